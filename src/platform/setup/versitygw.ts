import { goTool } from './goTool.js';

/** An S3 server over a folder, with conditional writes as S3 has them. */
export const versitygw = goTool({
  name: 'versitygw',
  purpose: 'the tests of the S3 store',
  program: 'github.com/versity/versitygw/cmd/versitygw',
  version: '1.8.0',
  variable: 'PERDURE_VERSITYGW_PATH',
  takes: '1 to 2 minutes',
});
