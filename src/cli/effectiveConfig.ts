import type { Pipeline } from '../config/load.js';
import { idleInWords, settingsOf, type Setting } from '../config/origins.js';
import { completed } from '../data/sourceReading.js';
import type { CommonOptions } from './options.js';
import { openToRead } from './store.js';
import { table } from './table.js';
import { print, printJson, say } from './terminal.js';

/** Prints every setting of a pipeline with where it comes from. */
export async function showConfig(name: string, options: CommonOptions): Promise<void> {
  const { pipeline, stores } = await openToRead(name, options);
  const { datamart } = stores;
  const settings = settingsOf(await completed(pipeline, datamart));
  if (options.json) {
    const told = settings.map(({ setting, value, from, reason, meaning, idle }) => ({
      setting,
      value: value ?? null,
      from,
      reason: reason ?? null,
      meaning: meaning ?? null,
      no_effect: idle ? `as ${idle.because}` : null,
    }));
    printJson({ pipeline: name, environment: pipeline.environment, settings: told });
  } else print(describeSettings(`${name}, ${pipeline.environment}`, settings));
}

/** A table per top of the settings' names. */
export function describeSettings(title: string, settings: Setting[], width?: number): string {
  const sections = new Map<string, Setting[]>();
  for (const setting of settings) {
    const section = setting.setting.includes('.') ? setting.setting.split('.')[0]! : '';
    sections.set(section, [...(sections.get(section) ?? []), setting]);
  }
  return [
    title,
    ...[...sections].flatMap(([section, members]) => {
      const rows = members.map(({ setting, value, ...origin }) => [
        section === '' ? setting : setting.slice(section.length + 1),
        shown(value),
        describeOrigin(origin),
      ]);
      return ['', table([section || 'setting', 'value', 'from'], rows, { width })];
    }),
  ].join('\n');
}

/** Tells people which settings of a pipeline's files change nothing as the others stand. */
export function tellIdle(pipeline: Pipeline): void {
  for (const sentence of idleInWords(settingsOf(pipeline))) say(`Warning: ${sentence}`);
}

function describeOrigin({ from, reason, meaning, idle }: Omit<Setting, 'setting' | 'value'>): string {
  const where = from === 'data' ? 'found in the data' : from;
  if (idle) return `${where}; no effect, as ${idle.because}`;
  if (reason !== undefined) return `${where}: ${reason}`;
  return from === 'default' && meaning !== undefined ? `${where} (${meaning})` : where;
}

/** As in JSON, with spaces to break at; a text as it is. */
function shown(value: unknown): string {
  if (value === undefined || value === null) return '-';
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return value.length === 0 ? 'none' : value.map(shown).join(', ');
  if (typeof value === 'object') {
    const entries = Object.entries(value).filter(([, field]) => field !== undefined);
    return entries.length === 0 ? 'none' : entries.map(([key, field]) => `${key}: ${shown(field)}`).join(', ');
  }
  return JSON.stringify(value);
}
