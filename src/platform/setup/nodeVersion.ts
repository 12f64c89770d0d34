/** Whether a version of Node.js will do, and what to tell of it. */
export interface NodeVersion {
  /** `missing` is too old, `optional` newer than what the tests run on. */
  status: 'ok' | 'missing' | 'optional';
  detail: string;
}

/** When a line of Node.js went out of support, by the release schedule of the Node.js project. */
const NODE_ENDS: Readonly<Record<number, string>> = { 20: 'April 2026' };

/**
 * What there is to say of a version of Node.js.
 * @param wanted `engines.node` of package.json: the lines that the tests run on, as `^20.19 || ^22.12`, oldest first.
 */
export function checkNodeVersion(version: string, wanted: string): NodeVersion {
  const oldestOfLine = new Map(wanted.split(' || ').map((range) => [parseInt(range.slice(1)), range.slice(1)]));
  const lines = [...oldestOfLine.keys()];
  const oldest = oldestOfLine.get(parseInt(version));
  const best = `Node.js ${lines.at(-1)}`;
  if (parseInt(version) < lines[0]! || (oldest && compareVersions(version, oldest) < 0)) {
    return {
      status: 'missing',
      detail: `${version}; install ${best}, or ${oldest ?? oldestOfLine.get(lines[0]!)} or newer`,
    };
  }
  if (!oldest)
    return { status: 'optional', detail: `${version}, which Perdure is not tested on; it is on ${lines.join(', ')}` };
  const isOver = NODE_ENDS[parseInt(version)];
  return {
    status: 'ok',
    detail: isOver ? `${version}, which has had no security fixes since ${isOver}; ${best} has them` : version,
  };
}

function compareVersions(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true });
}
