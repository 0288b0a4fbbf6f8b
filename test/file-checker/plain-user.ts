import { spawnSync } from 'node:child_process';

/** Permissions mean nothing to root; so where the check runs as root, its gateways do not: see `plain-user.mjs`. */
export const isPlainUser = process.getuid?.() !== 0;

/** Who is nobody, on Linux. */
export const PLAIN_USER = 65_534;

/** Whether a gateway may read (`r`) or write (`w`) the folder. */
export function mayUse(folder: string, how: 'r' | 'w'): boolean {
  const test = ['test', `-${how}`, folder];
  const asUser = ['setpriv', `--reuid=${PLAIN_USER}`, `--regid=${PLAIN_USER}`, '--clear-groups', ...test];
  const [command, ...args] = (isPlainUser ? test : asUser) as [string, ...string[]];
  return spawnSync(command, args).status === 0;
}
