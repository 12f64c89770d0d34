import { chromium, type Browser } from 'playwright-core';

export function launchBrowser(executablePath: string): Promise<Browser> {
  // Its sandbox is not to be had by root in a container; it shows nothing but pages that were just written.
  return chromium.launch({ executablePath, args: ['--no-sandbox'] });
}
