import { readdirSync, readlinkSync } from 'node:fs';

/** The files below `folder` that this process holds open; also those that are removed. */
export function openDescriptors(folder: string): string[] {
  const targets = readdirSync('/proc/self/fd').map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return '';
    }
  });
  return targets.filter((target) => target.startsWith(folder));
}
