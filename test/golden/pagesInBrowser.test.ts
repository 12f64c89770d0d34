import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chromium } from '../../src/platform/setup/chromium.js';
import { launchBrowser } from '../support/browser.js';
import { monitoredPage, openPage, trainedPage } from '../support/pages.js';
import { temporaryFolder } from '../support/temporaryFolder.js';
import { tinyEngines } from '../support/tinyPipeline.js';

const browser = await chromium.find();

/** Where the pictures go that a person wants to look at. */
const { PERDURE_TEST_PICTURES: pictures } = process.env;

const SCREENS = [
  { name: 'a desktop', width: 1280, colorScheme: 'light' },
  { name: 'a phone', width: 390, colorScheme: 'light' },
  { name: 'a desktop in dark mode', width: 1280, colorScheme: 'dark' },
  { name: 'a phone in dark mode', width: 390, colorScheme: 'dark' },
] as const;

if (browser === undefined)
  test('pages in a browser: there is none', () => {
    console.warn(`Nothing is tested in a browser: ${chromium.name} is not there; ${chromium.remedy}.`);
  });
else
  describe('pages in a browser', () => {
    const folder = temporaryFolder(afterAll);
    const engines = tinyEngines();
    afterAll(() => engines.close());
    let opened: Browser | undefined;
    afterAll(() => opened?.close());
    const pages: Record<string, string> = {};
    beforeAll(async () => {
      opened = await launchBrowser(browser.path);
      for (const task of ['binary', 'multiclass', 'regression'] as const)
        pages[task] = openPage((await trainedPage(engines, folder, task)).page).path;
      pages.monitoring = openPage(await monitoredPage(engines, folder)).path;
    }, 240_000);

    describe.each(['binary', 'multiclass', 'regression', 'monitoring'])('%s', (name) => {
      test.each(SCREENS)('on $name nothing overflows, is hidden, runs or is fetched', async (screen) => {
        const context = await opened!.newContext({
          viewport: { width: screen.width, height: 900 },
          colorScheme: screen.colorScheme,
        });
        try {
          const page = await context.newPage();
          const told: string[] = [];
          page.on('request', (request) => told.push(request.url()));
          page.on('console', (message) => told.push(message.text()));
          page.on('dialog', (dialog) => {
            told.push(dialog.message());
            void dialog.dismiss();
          });
          const url = pathToFileURL(pages[name]!).href;
          await page.goto(url);
          if (pictures !== undefined)
            await page.screenshot({ path: join(pictures, `${name} on ${screen.name}.png`), fullPage: true });
          // With every table open as well.
          for (const open of [false, true]) {
            if (open)
              await page.locator('summary').evaluateAll((all) => all.forEach((one) => (one as HTMLElement).click()));
            expect(await layoutOf(page)).toEqual({ overflowing: [], outside: [], withoutAlternative: [], unseen: [] });
          }
          expect(told).toEqual([url]);
        } finally {
          await context.close();
        }
      });
    });
  });

/* eslint-disable no-restricted-globals -- What is evaluated runs in the browser. */

/** What is wrong with how a page is laid out, by the texts of the elements. */
function layoutOf(page: Page) {
  return page.evaluate(() => {
    const { documentElement: root } = document;
    const told = (element: Element) => `${element.tagName} ${(element.textContent ?? '').trim().slice(0, 40)}`;
    const all = [...document.querySelectorAll('body *')].filter((element) => element.getClientRects().length > 0);
    // Tables may be scrolled within their frames.
    const isScrolled = (element: Element) => element.closest('.scroll') !== null;
    const figures = [...document.querySelectorAll('figure')];
    const background = getComputedStyle(document.body).backgroundColor;
    return {
      overflowing: [
        ...(root.scrollWidth > window.innerWidth ? [`the page by ${root.scrollWidth - window.innerWidth} pixels`] : []),
        ...all
          .filter((element) => !(element instanceof SVGElement) && !isScrolled(element))
          .filter((element) => element.scrollWidth > element.clientWidth + 1 && element.clientWidth > 0)
          .map(told),
      ],
      // What a picture says stays within the frame of its figure.
      outside: figures.flatMap((figure) => {
        const frame = figure.getBoundingClientRect();
        return [...figure.querySelectorAll('svg *')]
          .filter((element) => {
            const box = element.getBoundingClientRect();
            const isEmpty = box.width === 0 && box.height === 0;
            return !isEmpty && (box.left < frame.left - 1 || box.right > frame.right + 1 || box.top < frame.top - 1);
          })
          .map((element) => `${told(figure)}: ${told(element)}`);
      }),
      withoutAlternative: figures
        .filter(
          (figure) => !figure.querySelector('[role=img][aria-label]') || !figure.querySelector('figcaption, details'),
        )
        .map(told),
      unseen: [...document.querySelectorAll('h1, h2, h3, td, figcaption, svg text')]
        .filter((element) => getComputedStyle(element).color === background)
        .map(told),
    };
  });
}
