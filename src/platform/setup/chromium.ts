import { debianTool } from './debianTool.js';

/** A browser, for the tests of the pages that people look at. */
export const chromium = debianTool({
  name: 'chromium',
  purpose: 'the tests of pages in a browser',
  packages: ['chromium'],
  variable: 'PERDURE_CHROMIUM_PATH',
});
