import { goTool } from './goTool.js';

/** The reference implementation of the Compose Specification: says what Docker Compose would make of a file. */
export const composeSpec = goTool({
  name: 'compose-spec',
  purpose: 'the tests of deploy/',
  program: 'github.com/compose-spec/compose-go/v2/cmd',
  version: '2.16.2',
  variable: 'PERDURE_COMPOSE_SPEC_PATH',
  takes: 'up to a minute',
});
