import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { PackageSet } from './package-sets.js';

const TRIPLETS: Partial<Record<NodeJS.Architecture, string>> = {
  x64: 'x86_64-linux-gnu',
  arm64: 'aarch64-linux-gnu',
};

/** Debian's name for this machine's kind, as in /usr/lib/<triplet>. @throws on any but x64 and arm64. */
export function triplet(): string {
  const name = TRIPLETS[process.arch];
  if (name === undefined)
    throw new Error(`the test servers' packages must be for x64 or arm64, but this machine is ${process.arch}`);
  return name;
}

/** The Python that Debian's Python programs run under: the unpacked one when the system had none. */
export function unpackedPython(root: string): string {
  const own = join(root, 'usr/bin/python3');
  return existsSync(own) ? own : '/usr/bin/python3';
}

/** The whole environment under which programs below `root` find their libraries, modules and fonts. */
export function unpackedEnvironment(set: PackageSet, root: string): NodeJS.ProcessEnv {
  const env = process.env;
  const libraries = [
    ...set.libraryFolders.map((folder) => `usr/lib/${triplet()}/${folder}`),
    `usr/lib/${triplet()}`,
    `lib/${triplet()}`,
    'usr/lib',
    'lib',
  ];
  const joined = (folders: readonly string[], before: string | undefined): string =>
    [...folders.map((folder) => join(root, folder)), ...(before ? [before] : [])].join(':');
  const made: NodeJS.ProcessEnv = {
    ...env,
    LD_LIBRARY_PATH: joined(libraries, env['LD_LIBRARY_PATH']),
    PATH: joined(['usr/bin', 'usr/sbin', 'bin', 'sbin'], env['PATH']),
    PYTHONPATH: joined(['usr/lib/python3/dist-packages'], env['PYTHONPATH']),
    XDG_DATA_DIRS: joined(['usr/share'], env['XDG_DATA_DIRS'] ?? '/usr/local/share:/usr/share'),
  };
  if (unpackedPython(root).startsWith(root)) made['PYTHONHOME'] = join(root, 'usr');
  return made;
}
