import { PerdureError } from '../errors.js';
import { literal, type Database } from './duckdb.js';
import { countOf } from '../contracts/counts.js';

/** SQL of a pipeline, and what it may read. */
export interface CheckedSql {
  text: string;
  /** Where it stands, to begin a sentence with. */
  from: string;
  /** Names of the relations that it may read. */
  readable: string[];
  /** Columns of the source, which may be called like a clock (`current_date`). */
  columns: string[];
}

/** Table functions whose rows depend on their arguments alone. */
const PURE_TABLE_FUNCTIONS = new Set([
  'range',
  'generate_series',
  'unnest',
  'repeat',
  'repeat_row',
  'json_each',
  'json_tree',
]);
/** Functions that DuckDB's catalog calls stable although they look at the clock or draw by chance. */
const UNSTABLE = [
  'current_localtime',
  'current_localtimestamp',
  'reservoir_quantile',
  'getvariable',
  'current_setting',
  'getenv',
];
/** Functions that the catalog calls unstable although they return nothing. */
const STABLE = new Set(['error']);
/** The clock under names that are written without parentheses. */
const CLOCKS = new Set(['current_date', 'current_time', 'current_timestamp', 'localtime', 'localtimestamp']);

/**
 * Refuses SQL whose result depends on more than the relations it is given: a file that it opens by itself, the clock, chance.
 * A partition would otherwise count as up to date although making it again would give something else. SQL that
 * DuckDB can't parse is left to the query that runs it, which says why.
 *
 * @throws PerdureError `ConfigInvalid`
 */
export async function refuseOutsideReads(
  database: Database,
  { text, from, readable, columns }: CheckedSql,
): Promise<void> {
  const [row] = await database.rows<{ tree: string }>(`SELECT json_serialize_sql(${literal(text)}) AS tree`);
  const tree = JSON.parse(row!.tree) as { error: boolean; error_type?: string; statements: unknown[] };
  if (tree.error) {
    if (tree.error_type !== 'not implemented') return;
    throw new PerdureError('ConfigInvalid', `${from} is no SELECT; write it as one query.`);
  }
  if (tree.statements.length !== 1)
    throw new PerdureError(
      'ConfigInvalid',
      `${from} holds ${countOf(tree.statements.length, 'statement')}; write it as one query.`,
    );

  const nodes = [...nodesOf(tree.statements)];
  const known = new Set([...readable, ...nodes.flatMap(commonTables)].map((name) => name.toLowerCase()));
  const own = new Set(columns.map((name) => name.toLowerCase()));
  const unstable = new Set([...(await unstableFunctions(database)), ...UNSTABLE]);
  for (const node of nodes) {
    const table = outsideTable(node, known);
    if (table !== undefined) {
      throw new PerdureError(
        'ConfigInvalid',
        `${from} reads ${table}, of which no run would notice a change: it may read ${readable.join(', ')}; put the file into the pipeline's folder and name it under "tables" in pipeline.json.`,
      );
    }
    const moving = movingValue(node, unstable, own);
    if (moving !== undefined) {
      throw new PerdureError(
        'ConfigInvalid',
        `${from} uses ${moving}, which gives another result each time; compute it from the columns alone.`,
      );
    }
  }
}

type Node = Record<string, unknown>;

function* nodesOf(value: unknown): Iterable<Node> {
  if (typeof value !== 'object' || value === null) return;
  if (!Array.isArray(value)) yield value as Node;
  for (const child of Object.values(value)) yield* nodesOf(child);
}

/** Names that a WITH clause gives to its queries. */
function commonTables({ cte_map }: Node): string[] {
  const { map = [] } = (cte_map ?? {}) as { map?: { key: string }[] };
  return map.map(({ key }) => key);
}

function outsideTable({ type, ...node }: Node, known: Set<string>): string | undefined {
  if (type === 'BASE_TABLE') {
    const { table_name, schema_name, catalog_name } = node as {
      table_name: string;
      schema_name: string;
      catalog_name: string;
    };
    return schema_name === '' && catalog_name === '' && known.has(table_name.toLowerCase())
      ? undefined
      : `"${[catalog_name, schema_name, table_name].filter(Boolean).join('.')}"`;
  }
  if (type !== 'TABLE_FUNCTION') return undefined;
  const { function_name } = node.function as { function_name: string };
  return PURE_TABLE_FUNCTIONS.has(function_name.toLowerCase()) ? undefined : `${function_name}(...)`;
}

function movingValue({ class: kind, ...node }: Node, unstable: Set<string>, columns: Set<string>): string | undefined {
  if (kind === 'FUNCTION' || kind === 'WINDOW') {
    const { function_name, children } = node as { function_name: string; children: unknown[] };
    const name = function_name.toLowerCase();
    // With one moment, age() takes the present for the other.
    return unstable.has(name) || (name === 'age' && children.length === 1) ? `${name}()` : undefined;
  }
  if (kind === 'COLUMN_REF') {
    const names = (node.column_names as string[]).map((name) => name.toLowerCase());
    return names.length === 1 && CLOCKS.has(names[0]!) && !columns.has(names[0]!) ? names[0] : undefined;
  }
  const sample = node.sample as { seed: number } | null | undefined;
  return sample && sample.seed < 0 ? 'a sample without a seed' : undefined;
}

async function unstableFunctions(database: Database): Promise<string[]> {
  const rows = await database.rows<{ name: string }>(
    `SELECT DISTINCT function_name AS name FROM duckdb_functions() WHERE function_type = 'scalar' AND stability <> 'CONSISTENT'`,
  );
  return rows.map(({ name }) => name).filter((name) => !STABLE.has(name));
}
