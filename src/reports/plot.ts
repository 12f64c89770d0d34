import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';

/** Width of every picture in its own units: about what a phone has, so that text is as large there as on a desk. */
const WIDTH = 400;
const DECIMALS = 1;

/** Attributes whose numbers are positions, of which a screen shows no more than {@link DECIMALS}. */
const POSITIONS = ['transform', 'd', 'x', 'y', 'x1', 'x2', 'y1', 'y2', 'cx', 'cy', 'width', 'height'];

/**
 * Draws a picture as SVG markup. What it says stands in its text nodes, which are escaped; nothing of a user's may go
 * into an attribute, so marks have no titles and labels of their own.
 */
export function draw(options: Plot.PlotOptions): string {
  const { document } = parseHTML('<!doctype html><html></html>');
  const svg = Plot.plot({
    document: document,
    className: 'plot',
    width: WIDTH,
    height: 300,
    marginBottom: 38,
    style: { fontSize: '12px' },
    ...options,
  }) as unknown as Element;
  svg.querySelector('style')?.remove();
  svg.setAttribute('aria-hidden', 'true');
  svg.setAttribute('focusable', 'false');
  for (const element of [...svg.querySelectorAll('*')]) {
    element.removeAttribute('aria-label');
    for (const name of POSITIONS) {
      const value = element.getAttribute(name);
      if (value !== null) element.setAttribute(name, value.replace(/-?\d*\.\d{2,}(?:e-?\d+)?/g, rounded));
    }
  }
  return svg.outerHTML;
}

function rounded(number: string): string {
  return String(Number(Number(number).toFixed(DECIMALS)));
}

/** Colours of series, which the style sheet has for light and dark. */
export function colour(series: number): string {
  return `var(--series-${series % SERIES})`;
}
const SERIES = 6;

export { Plot };
