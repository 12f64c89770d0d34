import { PerdureError } from '../errors.js';
import {
  IMPORTANCE_KINDS,
  IMPORTANCE_TITLES,
  importanceNotes,
  importanceOf,
  importanceShares,
  isMeasured,
  shiftInWords,
  type FeatureImportance,
  type ImportanceKind,
} from '../registry/importance.js';
import { importanceChange } from '../registry/importanceHistory.js';
import { readVersionFileIfAny } from '../registry/versions.js';
import type { CommonOptions } from './options.js';
import { table } from './table.js';
import { print, printJson } from './terminal.js';
import { openVersion } from './versions.js';

/** Features that a terminal shows; `--json` has all. */
const SHOWN = 30;

/** Which features decide what a version says, by each kind of importance, beside those of the version before it. */
export async function explainModel(
  name: string,
  model: string,
  version: string | undefined,
  options: CommonOptions,
): Promise<void> {
  const { registry, metadata, ref } = await openVersion(name, model, version, options);
  const importance = await readVersionFileIfAny(registry, metadata, 'importance.json');
  if (!importance)
    throw new PerdureError(
      'NotFound',
      `${ref.algorithm} ${ref.version} has no importance of its features, as it was trained by an earlier release; train again with --again.`,
    );
  const change = await importanceChange(registry, ref, importance);
  if (options.json) return printJson({ ...ref, ...importance, change: change ?? null });

  const kinds = IMPORTANCE_KINDS.filter((kind) => isMeasured(importance, kind));
  const shift = change && !('unknown' in change) ? change : undefined;
  const kind = shift?.kind ?? kinds[0];
  const shares = kind && importanceShares(importance, kind);
  const before = new Map(shift?.features.map((feature) => [feature.feature, feature.before]));
  const percent = (share: number | null | undefined) => (share == null ? '-' : `${(100 * share).toFixed(1)}%`);
  const rows = importance.features
    .slice(0, SHOWN)
    .map((feature) => [
      feature.feature,
      ...kinds.map((of) => shown(feature, of)),
      percent(shares?.get(feature.feature)),
      ...(shift ? [percent(before.get(feature.feature))] : []),
    ]);
  print(`${ref.algorithm} ${ref.version}`);
  print(
    table(
      [
        'feature',
        ...kinds.map((of) => IMPORTANCE_TITLES[of]),
        kind ? `share by\n${IMPORTANCE_TITLES[kind]}` : 'share',
        ...(shift ? ['before'] : []),
      ],
      rows,
    ),
  );
  const more = importance.features.length - rows.length;
  if (more > 0) print(`${more} more features, each less important: --json has all.`);
  for (const note of importanceNotes(importance)) print(`${note}.`);
  if (change)
    print(
      `Against ${change.before.version}, the version before: ${'unknown' in change ? `not known, as ${change.unknown}` : shiftInWords(change)}.`,
    );
}

function shown(feature: FeatureImportance, kind: ImportanceKind): string {
  const value = importanceOf(feature, kind);
  if (value === null) return '-';
  return kind === 'permutation'
    ? `${value.toFixed(4)} +- ${feature.permutation!.std.toFixed(4)}`
    : Number(value.toPrecision(4)).toString();
}
