/** A step of a stage, flags such as `--from=build` apart. */
export interface Step {
  /** `RUN`, `COPY`, ... */
  instruction: string;
  flags: Record<string, string>;
  /** The rest of the line. */
  rest: string;
}

export interface Stage {
  /** Name of an image, or of an earlier stage. */
  base: string;
  /** As `AS` says; that of the last one may be absent. */
  name: string | undefined;
  steps: Step[];
}

/** The stages of a Dockerfile. Knows comments, and lines that end in `\`; throws for what comes before the first `FROM`. */
export function parseDockerfile(text: string): Stage[] {
  const lines = text
    .split('\n')
    .filter((line) => !/^\s*#/.test(line))
    .join('\n')
    .replace(/\\\n/g, ' ')
    .split('\n')
    .filter((line) => line.trim() !== '');
  const stages: Stage[] = [];
  for (const line of lines) {
    const step = parseStep(line);
    if (step.instruction === 'FROM') {
      const [base = '', , name] = step.rest.split(/\s+/);
      stages.push({ base, name, steps: [] });
    } else {
      const stage = stages.at(-1);
      if (!stage) throw new Error(`${step.instruction} comes before the first FROM.`);
      stage.steps.push(step);
    }
  }
  return stages;
}

function parseStep(line: string): Step {
  const [, instruction = '', after = ''] = /^\s*([A-Z]+)\s+(.*)$/.exec(line) ?? [];
  const flags: Record<string, string> = {};
  let rest = after;
  for (let flag = /^--([a-z-]+)=(\S+)\s+/.exec(rest); flag; flag = /^--([a-z-]+)=(\S+)\s+/.exec(rest)) {
    flags[flag[1]!] = flag[2]!;
    rest = rest.slice(flag[0].length);
  }
  return { instruction, flags, rest: rest.trim() };
}

/** `A=1 B=2` of ENV and ARG, with `$NAME` put in from `known`. */
export function assignments(rest: string, known: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    rest.split(/\s+/).map((pair) => {
      const [name = '', ...value] = pair.split('=');
      return [name, value.join('=').replace(/\$([A-Z_]+)/g, (_, variable: string) => known[variable] ?? '')];
    }),
  );
}
