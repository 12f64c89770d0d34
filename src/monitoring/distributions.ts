import type { Distribution } from '../contracts/index.js';
import type { CurrentProfile } from './drift.js';
import { countedRows, type ColumnProfile, type ModelProfile } from './profile.js';

/** Features whose distributions are kept, and categories of each: enough to look at, and little enough to pass through Temporal. */
const MOST_FEATURES = 16;
const MOST_CATEGORIES = 12;

/** Both distributions of the features that have moved most, and of what the model says: for people to look at. */
export function drawnDistributions(
  reference: ModelProfile,
  current: CurrentProfile,
  psi: Record<string, number | null>,
): Distribution[] {
  const features = Object.keys(reference.columns)
    .sort((a, b) => (psi[b] ?? -1) - (psi[a] ?? -1))
    .slice(0, MOST_FEATURES);
  return [
    distribution('score', null, reference.score, current.score),
    ...features.map((name) => distribution('feature', name, reference.columns[name]!, current.columns[name]!)),
  ].filter(({ groups }) => groups.length > 0);
}

function distribution(
  of: Distribution['of'],
  feature: string | null,
  reference: ColumnProfile,
  current: ColumnProfile,
): Distribution {
  const counted =
    reference.kind === 'bins' && current.kind === 'bins'
      ? ranges(reference.edges, reference.counts, current.counts)
      : categories(reference.counts as Record<string, number>, current.counts as Record<string, number>);
  const [before, now] = [countedRows(reference), countedRows(current)];
  return {
    of,
    ...(feature !== null && { feature }),
    groups: counted.map(({ reference, current, ...group }) => ({
      ...group,
      reference: share(reference, before),
      current: share(current, now),
    })),
  };
}

/** Ranges between edges, the upper one included: a value on an edge is a bin of its own in a profile. */
function ranges(edges: number[], reference: number[], current: number[]): Distribution['groups'] {
  return Array.from({ length: edges.length + 1 }, (_, range) => {
    const sum = (counts: number[]) => (counts[2 * range] ?? 0) + (counts[2 * range + 1] ?? 0);
    return {
      ...(range > 0 && { above: edges[range - 1]! }),
      ...(range < edges.length && { to: edges[range]! }),
      reference: sum(reference),
      current: sum(current),
    };
  });
}

function categories(reference: Record<string, number>, current: Record<string, number>): Distribution['groups'] {
  // Maps, as every object has properties that may be categories: `constructor` is one.
  const [before, now] = [new Map(Object.entries(reference)), new Map(Object.entries(current))];
  const names = [...new Set([...before.keys(), ...now.keys()])];
  const groups = names
    .map((category) => ({ category, reference: before.get(category) ?? 0, current: now.get(category) ?? 0 }))
    .sort((a, b) => b.reference + b.current - a.reference - a.current);
  if (groups.length <= MOST_CATEGORIES) return groups;
  const others = groups.slice(MOST_CATEGORIES - 1);
  const sum = (side: 'reference' | 'current') => others.reduce((total, group) => total + group[side], 0);
  return [
    ...groups.slice(0, MOST_CATEGORIES - 1),
    { others: others.length, reference: sum('reference'), current: sum('current') },
  ];
}

function share(count: number, rows: number): number {
  return rows === 0 ? 0 : Number((count / rows).toPrecision(4));
}
