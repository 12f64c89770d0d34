import { existsSync, readdirSync } from 'node:fs';
import { cruise, type ICruiseResult } from 'dependency-cruiser';

/** A part of the code whose tests need no server. */
export interface Room {
  /** Its files: folders end in a slash. */
  code: string[];
  /** Of these, what belongs to no room. */
  without?: string[];
  /** Files of `test/golden` that are to notice a change of it, as do all unit tests that use it (see {@link testsOf}). */
  golden?: string[];
}

/** What `npm run mutation` changes. */
export const ROOMS: Record<string, Room> = {
  learning: {
    code: ['src/ml/'],
    without: ['src/ml/engines/', 'src/ml/estimators/'],
    golden: ['learning', 'delong', 'tasks', 'transforms'],
  },
  taskExit: { code: ['src/platform/ecs/classifyTaskExit.ts'] },
  data: { code: ['src/data/', 'src/platform/files/'], golden: ['parquet'] },
  registry: { code: ['src/registry/'] },
  monitoring: { code: ['src/monitoring/'], golden: ['psi', 'delong', 'distances'] },
  steward: { code: ['workflows/support/stewardState.ts'] },
  notify: { code: ['src/platform/notify/conditions.ts'] },
  folderStore: { code: ['src/platform/storage/folderStore.ts'] },
  config: { code: ['src/config/'] },
};

/**
 * The test files that are to notice a change of a room: its golden ones, and every unit test that imports one of its
 * files, by itself or through what of `test/support` it imports.
 */
export async function testsOf({ code, golden = [] }: Room): Promise<string[]> {
  const imports = await (unitImports ??= readUnitImports());
  const uses = (file: string, seen = new Set<string>()): boolean => {
    if (seen.has(file)) return false;
    seen.add(file);
    return (imports.get(file) ?? []).some(
      (imported) =>
        code.some((path) => imported.startsWith(path)) || (imported.startsWith('test/') && uses(imported, seen)),
    );
  };
  const unit = [...imports.keys()].filter((file) => file.endsWith('.test.ts') && uses(file));
  return [...unit, ...golden.map((name) => `test/golden/${name}.test.ts`)].sort();
}

/** What each unit test, and what of the tests' support it imports, imports. Read once for all rooms, as it takes seconds. */
let unitImports: Promise<Map<string, string[]>> | undefined;

async function readUnitImports(): Promise<Map<string, string[]>> {
  const { output } = await cruise(['test/unit'], {
    tsPreCompilationDeps: true,
    doNotFollow: { path: ['node_modules', '^(?!test/)'] },
  });
  return new Map(
    (output as ICruiseResult).modules.map(({ source, dependencies }) => [
      source,
      dependencies.map(({ resolved }) => resolved),
    ]),
  );
}

/** The files of a room's code. Throws where one of the table is not there. */
export function codeOf({ code, without = [] }: Room): string[] {
  const left = new Set(without.flatMap(filesOf));
  return code.flatMap(filesOf).filter((file) => !left.has(file));
}

/** A file, or the TypeScript files of a folder. */
function filesOf(path: string): string[] {
  if (!existsSync(path)) throw new Error(`${path} is not there; correct the table in test/mutation/rooms.ts.`);
  if (!path.endsWith('/')) return [path];
  return readdirSync(path, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => `${path}${name}`)
    .sort();
}
