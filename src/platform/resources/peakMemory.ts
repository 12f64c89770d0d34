import { readFile } from 'node:fs/promises';

/**
 * The most memory that this process has had resident since its start, in bytes. Linux keeps it per program (`VmHWM`); what
 * `getrusage` says there begins with the memory of the parent, and is for the other systems.
 */
export async function peakMemory(): Promise<number> {
  const status = await readFile('/proc/self/status', 'utf8').catch(() => '');
  const kibibytes = /^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? process.resourceUsage().maxRSS;
  return Number(kibibytes) * 1024;
}
