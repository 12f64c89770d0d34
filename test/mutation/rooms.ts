import { existsSync, readdirSync } from 'node:fs';
import { cruise, type ICruiseResult } from 'dependency-cruiser';

/** A part of the code whose tests need no server. */
export interface Room {
  /** Its files: folders end in a slash. */
  code: string[];
  /** Of these, what belongs to no room. */
  without?: string[];
}

/** What `npm run mutation` changes. */
export const ROOMS: Record<string, Room> = {
  learning: { code: ['src/ml/'], without: ['src/ml/engines/', 'src/ml/estimators/'] },
  taskExit: { code: ['src/platform/ecs/classifyTaskExit.ts'] },
  data: { code: ['src/data/', 'src/platform/files/'], without: ['src/data/onlineStore/redisStore.ts'] },
  registry: { code: ['src/registry/'] },
  monitoring: { code: ['src/monitoring/'] },
  steward: { code: ['workflows/support/stewardState.ts'] },
  notify: { code: ['src/platform/notify/conditions.ts'] },
  folderStore: { code: ['src/platform/storage/folderStore.ts'] },
  config: { code: ['src/config/'] },
};

/** What starts other processes: programs, those of engines, or servers. They run the code as it is, whatever the mutant. */
const STARTING = /^(child_process|src\/ml\/engines\/hostPool\.ts|test\/support\/serverProcess\.ts)$/;

/** What a golden test imports that is not done in seconds: engine processes, stages, and what prepares real files for them. */
const DEAR = /^(src\/(ml\/engines|stages)\/|test\/support\/(?!temporaryFolder))/;

/**
 * The test files that are to notice a change of a room: every unit test that imports one of its files, by itself or
 * through what of `test/support` it imports, and every golden test that imports one, but for dear ones, and for those
 * that start other processes, as trainings do: they took minutes of a room that needs none.
 */
export async function testsOf({ code }: Room): Promise<string[]> {
  const imports = await (testImports ??= readTestImports());
  const uses = (file: string, wanted: (imported: string) => boolean, seen = new Set<string>()): boolean => {
    if (seen.has(file)) return false;
    seen.add(file);
    return (imports.get(file) ?? []).some(
      (imported) => wanted(imported) || (imported.startsWith('test/') && uses(imported, wanted, seen)),
    );
  };
  const isOfRoom = (imported: string) => code.some((path) => imported.startsWith(path));
  return [...imports.keys()]
    .filter((file) => file.endsWith('.test.ts') && uses(file, isOfRoom))
    .filter((file) => !uses(file, (imported) => STARTING.test(imported)))
    .filter((file) => file.startsWith('test/unit/') || !imports.get(file)!.some((imported) => DEAR.test(imported)))
    .sort();
}

/**
 * What each unit and golden test, and what of the tests' support it imports, imports: types alone, of which nothing
 * runs, don't count. Read once for all rooms, as it takes seconds.
 */
let testImports: Promise<Map<string, string[]>> | undefined;

async function readTestImports(): Promise<Map<string, string[]>> {
  const { output } = await cruise(['test/unit', 'test/golden'], {
    tsPreCompilationDeps: true,
    doNotFollow: { path: ['node_modules', '^(?!test/)'] },
  });
  return new Map(
    (output as ICruiseResult).modules.map(({ source, dependencies }) => [
      source,
      dependencies
        .filter(({ dependencyTypes }) => !dependencyTypes.includes('type-only'))
        .map(({ resolved }) => resolved),
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
