/** Resident memory that each of the sized workers may have with its engine processes, in GiB. */
export const WORKER_LIMITS_GIB: Record<string, number> = { 'data-processing': 2, 'model-training': 4 };

/** Which of the sized workers a process is, by its command line. */
export function sizedWorker(commandLine: string): string | undefined {
  if (commandLine.includes('workers/dataProcessing.js')) return 'data-processing';
  if (commandLine.includes('workers/modelTraining.js')) return 'model-training';
  return undefined;
}
