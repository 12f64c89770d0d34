/**
 * Environment variables as Perdure reads them, the only place that does. One that is empty is as one that is unset: it
 * is what scripts, compose files and task definitions make of a variable that they have no value for.
 */
export type Variables = NodeJS.ProcessEnv;

/** The variables that have a value. */
export function variables(env: Variables = process.env): Variables {
  return Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''));
}

/** Those that Perdure, or a library that it uses, reads. */
const READ = /^(PERDURE_|TEMPORAL_|AWS_|OTEL_|XDG_|REDIS_|MLFLOW_TRACKING_|ENVIRONMENT$|ALGORITHM$)/;

/** Unsets the variables that are empty, for libraries and child processes, which read for themselves. First thing in a process. */
export function unsetEmpty(env: Variables = process.env): void {
  for (const [name, value] of Object.entries(env)) if (value === '' && READ.test(name)) delete env[name];
}
