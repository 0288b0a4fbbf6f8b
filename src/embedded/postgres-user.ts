import { execFile, spawn, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { chown, readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

/**
 * Runs Postgres programs as a user they accept: they refuse to run as root.
 * `adopt` gives a file to that user, or a directory with all that is in it.
 */
export interface PostgresUser {
  spawn(binary: string, args: readonly string[], options: SpawnOptions): ChildProcess;
  adopt(place: string): Promise<void>;
}

/**
 * The environment of Postgres programs, fixed instead of inherited: messages are in English, because some are recognised, and no
 * stray PGDATA, PGPORT or locale gets in.
 */
export function postgresEnvironment(): NodeJS.ProcessEnv {
  return { PATH: '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin', LC_ALL: 'C', TZ: 'UTC' };
}

const NOBODY = 65_534;
const UNSHARE = ['-U', '--map-user=1', '--map-group=1'];

/**
 * An ordinary user runs Postgres as itself. Root runs it in a user namespace, where it looks like an ordinary user but can still
 * enter root's private directories; where namespaces are forbidden (most containers), as "nobody".
 */
export async function choosePostgresUser(): Promise<PostgresUser> {
  if (process.getuid?.() !== 0)
    return { spawn: (binary, args, options) => spawn(binary, args, options), adopt: async () => undefined };
  if (await canUnshare()) {
    return {
      spawn: (binary, args, options) => spawn('unshare', [...UNSHARE, binary, ...args], options),
      adopt: (dir) => giveTo(0, dir),
    };
  }
  return {
    spawn: (binary, args, options) => spawn(binary, args, { ...options, uid: NOBODY, gid: NOBODY, cwd: '/' }),
    adopt: (dir) => giveTo(NOBODY, dir),
  };
}

async function canUnshare(): Promise<boolean> {
  return promisify(execFile)('unshare', [...UNSHARE, 'true'], { env: postgresEnvironment() }).then(
    () => true,
    () => false,
  );
}

/** The directory itself last: its owner says that all below it has been done. */
async function giveTo(uid: number, place: string): Promise<void> {
  const found = await stat(place);
  if (found.uid === uid) return;
  const entries = found.isDirectory() ? await readdir(place, { recursive: true }) : [];
  for (const entry of entries) await chown(path.join(place, entry), uid, uid);
  await chown(place, uid, uid);
}
