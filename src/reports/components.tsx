import type { ComponentChildren, VNode } from 'preact';
import { renderToString } from 'preact-render-to-string';
import type { Params } from '../contracts/index.js';
import { colour } from './plot.js';
import { STYLE } from './style.js';

/**
 * A page that stands alone: its style is within, it loads nothing, and its policy lets nothing be loaded or run. Whatever
 * a user named is text, which rendering escapes.
 */
export function renderPage({ title, body }: { title: string; body: VNode }): string {
  const page = (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta
          http-equiv="Content-Security-Policy"
          content="default-src 'none'; style-src 'unsafe-inline'; img-src data:"
        />
        <meta name="color-scheme" content="light dark" />
        <link rel="icon" href="data:," />
        <title>{title}</title>
        <style dangerouslySetInnerHTML={{ __html: STYLE }} />
      </head>
      <body>{body}</body>
    </html>
  );
  return `<!doctype html>\n${renderToString(page)}\n`;
}

export function Section({ id, title, children }: { id: string; title: string; children: ComponentChildren }): VNode {
  return (
    <section id={id} aria-labelledby={`${id}-title`}>
      <h2 id={`${id}-title`}>{title}</h2>
      {children}
    </section>
  );
}

/** A number among others of which one is marked. */
export interface Marked {
  number: number | null;
  marked: boolean;
  /** Where it lies with a confidence of 95%. */
  interval?: readonly [low: number, high: number] | undefined;
}
export type Cell = string | number | null | Marked | VNode;

export interface TableContent {
  heads: string[];
  rows: Cell[][];
}

/** Numbers are right-aligned and short; the first column names the row. */
export function Table({ heads, rows }: TableContent): VNode {
  const isNumber = (column: number) => column > 0 && rows.some((row) => isNumeric(row[column]));
  return (
    <div
      class="scroll"
      tabIndex={0}
      role="group"
      aria-label={`Table: ${heads.filter((head) => head !== '').join(', ')}`}
    >
      <table>
        <thead>
          <tr>
            {heads.map((head, column) => (
              <th scope="col" class={isNumber(column) ? 'number' : undefined}>
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(([first, ...others]) => (
            <tr>
              <th scope="row">{shown(first ?? null)}</th>
              {others.map((cell, i) => (
                <td class={isNumber(i + 1) ? 'number' : undefined}>{shown(cell)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function isNumeric(cell: Cell | undefined): boolean {
  return typeof cell === 'number' || isMarked(cell);
}

function isMarked(cell: Cell | undefined): cell is Marked {
  return typeof cell === 'object' && cell !== null && 'marked' in cell;
}

function shown(cell: Cell): ComponentChildren {
  if (isMarked(cell))
    return (
      <>
        {cell.marked ? <b>{formatNumber(cell.number)}</b> : formatNumber(cell.number)}
        {cell.interval && (
          <small class="quiet">
            {' '}
            {formatNumber(cell.interval[0])} to {formatNumber(cell.interval[1])}
          </small>
        )}
      </>
    );
  return typeof cell === 'number' ? formatNumber(cell) : (cell ?? '–');
}

/** Whole numbers in full, others with four digits behind the point where that says enough. */
export function formatNumber(value: number | null | undefined): string {
  if (value === null || value === undefined) return '–';
  if (Number.isInteger(value)) return value.toLocaleString('en');
  const size = Math.abs(value);
  if (size >= 1000) return value.toLocaleString('en', { maximumFractionDigits: 1 });
  if (size >= 0.001) return value.toFixed(size >= 10 ? 2 : 4);
  return value.toPrecision(3);
}

/** Parameters with their values, in the order of their names. */
export function formatParams(params: Params): string {
  return Object.entries(params)
    .map(([name, value]) => {
      if (value === null) return `${name} none`;
      return `${name} ${typeof value === 'number' && !Number.isInteger(value) ? formatNumber(value) : String(value)}`;
    })
    .join(', ');
}

/** `p = 0.0312`, or that it is smaller than anybody minds. */
export function formatP(p: number): string {
  return p < 0.0001 ? 'p < 0.0001' : `p = ${p.toFixed(4)}`;
}

export function percent(share: number): string {
  return `${(share * 100).toFixed(1)}%`;
}

export interface FigureProps {
  title: string;
  /** What a reader who can't see the picture has to know of it, in a sentence or two. */
  alternative: string;
  caption?: ComponentChildren;
  /** Markup of the picture, by `draw`. */
  picture: string;
  legend?: string[];
  /** The numbers behind it. */
  numbers: TableContent;
}

/** A picture with its text alternative and its numbers. */
export function Figure({ title, alternative, caption, picture, legend = [], numbers }: FigureProps): VNode {
  return (
    <figure aria-label={title}>
      <h3>{title}</h3>
      {legend.length > 1 && <Legend names={legend} />}
      <div role="img" aria-label={alternative} dangerouslySetInnerHTML={{ __html: picture }} />
      <figcaption>{caption ?? alternative}</figcaption>
      <details>
        <summary>The numbers</summary>
        <Table {...numbers} />
      </details>
    </figure>
  );
}

export function Legend({ names }: { names: string[] }): VNode {
  return (
    <ul class="legend">
      {names.map((name, series) => (
        <li>
          <i style={`background:${colour(series)}`} />
          {name}
        </li>
      ))}
    </ul>
  );
}

/** What is, by name. */
export function Facts({ facts }: { facts: [string, Cell][] }): VNode {
  return (
    <div class="card">
      <table>
        <tbody>
          {facts.map(([name, value]) => (
            <tr>
              <th scope="row">{name}</th>
              <td>{shown(value)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

export function Verdict({ kind, children }: { kind: 'good' | 'bad' | 'warn'; children: ComponentChildren }): VNode {
  return <div class={`verdict ${kind}`}>{children}</div>;
}

export function Tiles({ tiles }: { tiles: { name: string; value: string }[] }): VNode {
  return (
    <div class="tiles">
      {tiles.map(({ name, value }) => (
        <div class="tile">
          <b>{value}</b>
          <span>{name}</span>
        </div>
      ))}
    </div>
  );
}

/** Whether something is as it should be: the word says it, not the colour alone. */
export function Passed({ passed }: { passed: boolean | null }): VNode {
  if (passed === null) return <span class="warn">not measured</span>;
  return <span class={passed ? 'good' : 'bad'}>{passed ? '✓ passed' : '✗ failed'}</span>;
}
