import koffi from 'koffi';

const PR_SET_PDEATHSIG = 1;
const PR_SET_CHILD_SUBREAPER = 36;
const SIGKILL = 9;

/** An orphan has nobody to work for: Linux kills this process at once with its parent, elsewhere its end of IPC tells. */
export function dieWithParent(): void {
  process.on('disconnect', () => process.exit());
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (!process.connected) process.exit();
}

/** Makes this process the parent of every descendant that loses its own, so that none gets out of sight; on Linux. */
export function adoptOrphans(): void {
  prctl(PR_SET_CHILD_SUBREAPER, 1);
}

function prctl(option: number, value: number): void {
  if (process.platform !== 'linux') return;
  koffi.load(null).func('int prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d)')(
    option,
    value,
    0,
    0,
    0,
  );
}
