import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SECOND } from '../../../src/units.js';
import { Apt } from './apt.js';
import { withLock } from './lock.js';
import { PACKAGE_SETS, type PackageSet, type SetName } from './package-sets.js';
import { tryRun } from './run.js';
import { unpackedEnvironment, unpackedPython } from './unpacked-environment.js';

export type { SetName } from './package-sets.js';

/** Programs of one set, ready to be run by name or by path. */
export interface Programs {
  /** Absolute path of each program of the set. */
  paths: Readonly<Record<string, string>>;
  /** The whole environment to run them with. */
  env: NodeJS.ProcessEnv;
  /** Where the packages lie unpacked; undefined when the system's own programs are used. */
  root: string | undefined;
}

export interface ProgramsOptions {
  /** Use unpacked packages even where the system has the programs. Default: environment TEST_SERVERS_UNPACKED=1. */
  ignoreSystem?: boolean;
  /** Gets a line at each slow step. Default: silent. */
  say?: (line: string) => void;
}

const REPOSITORY = join(dirname(fileURLToPath(import.meta.url)), '../../..');
const SERVERS = join(REPOSITORY, '.servers');
const CHECK_TIMEOUT = 60 * SECOND;

/** Each set is looked for once in a process. */
const found = new Map<string, Promise<Programs>>();

/**
 * Makes the programs of a set usable without installing anything into the system, alike for root and for others: those
 * on PATH when they run, else Debian packages unpacked into `.servers/<set>`, once.
 * @throws when they cannot be had, saying what was tried and what to do.
 */
export function programsOf(name: SetName, options: ProgramsOptions = {}): Promise<Programs> {
  const ignoreSystem = options.ignoreSystem ?? process.env['TEST_SERVERS_UNPACKED'] === '1';
  const key = `${name} ${String(ignoreSystem)}`;
  const known = found.get(key) ?? findPrograms(name, ignoreSystem, options.say ?? ((): void => undefined));
  found.set(key, known);
  return known;
}

async function findPrograms(name: SetName, ignoreSystem: boolean, say: (line: string) => void): Promise<Programs> {
  const set = PACKAGE_SETS[name];
  const tried: string[] = [];
  if (!ignoreSystem) {
    const system = onPath(set);
    if (system && (await allRun(set, system, tried))) return system;
    if (!system) tried.push(`looked on PATH for ${Object.keys(set.programs).join(', ')}: not all there`);
  }
  const root = join(SERVERS, name);
  const before = await isUnpacked(root, set);
  try {
    if (before && (await allRun(set, unpackedPrograms(set, root), tried))) return unpackedPrograms(set, root);
    // Packages of the system that the unpacked ones rely on may have gone since.
    if (before) await rm(stampOf(root), { force: true });
    await withLock(join(SERVERS, 'lock'), () => unpack(root, set, say), say);
  } catch (error) {
    tried.push(`unpacked Debian packages into ${root}: ${(error as Error).message}`);
    throw new Error(unavailable(name, set, tried), { cause: error });
  }
  const unpacked = unpackedPrograms(set, root);
  if (await allRun(set, unpacked, tried)) return unpacked;
  throw new Error(unavailable(name, set, tried));
}

function unavailable(name: SetName, set: PackageSet, tried: readonly string[]): string {
  return [
    `The programs of "${name}" cannot be had on this machine. Tried:`,
    ...tried.map((line) => `- ${line}`),
    `What to do: ${set.advice}.`,
  ].join('\n');
}

function onPath(set: PackageSet): Programs | undefined {
  const folders = (process.env['PATH'] ?? '').split(':').filter(Boolean);
  const paths: Record<string, string> = {};
  for (const [program, names] of Object.entries(set.programs)) {
    const path = names.flatMap((name) => folders.map((folder) => join(folder, name))).find((file) => existsSync(file));
    if (path === undefined) return undefined;
    paths[program] = path;
  }
  return { paths, env: { ...process.env }, root: undefined };
}

function unpackedPrograms(set: PackageSet, root: string): Programs {
  const paths = Object.keys(set.programs).map((name) => [name, join(root, set.unpackedAt[name] ?? `usr/bin/${name}`)]);
  return { paths: Object.fromEntries(paths) as Record<string, string>, env: unpackedEnvironment(set, root), root };
}

/** Whether every program starts here; when one does not, `tried` gets which and why. */
async function allRun(set: PackageSet, { paths, env, root }: Programs, tried: string[]): Promise<boolean> {
  for (const [name, path] of Object.entries(paths)) {
    const script = root !== undefined && set.pythonPrograms.includes(name);
    const [command, args] = script ? [unpackedPython(root), [path]] : [path, []];
    const asked = set.asked?.[name] ?? { args: ['--version'], exitCode: 0 };
    const ran = await tryRun(command, [...args, ...asked.args], { env, timeout: CHECK_TIMEOUT });
    if (ran.code === asked.exitCode) continue;
    const said = (ran.stderr || ran.stdout).trim().slice(0, 300);
    tried.push(`${path} ${asked.args.join(' ')} ended with exit code ${ran.code}: ${said}`);
    return false;
  }
  return true;
}

interface Stamp {
  wanted: readonly string[];
  unpacked: readonly string[];
}

/** The file that says that all packages of a set lie below `root`. */
function stampOf(root: string): string {
  return join(root, 'stamp.json');
}

async function isUnpacked(root: string, set: PackageSet): Promise<boolean> {
  const text = await readFile(stampOf(root), 'utf8').catch(() => undefined);
  return text !== undefined && (JSON.parse(text) as Stamp).wanted.join() === set.packages.join();
}

async function unpack(root: string, set: PackageSet, say: (line: string) => void): Promise<void> {
  if (await isUnpacked(root, set)) return;
  const apt = new Apt(join(SERVERS, 'apt'));
  await mkdir(join(SERVERS, 'apt'), { recursive: true });
  await apt.update(say);
  const packages = await apt.missing(set.packages);
  say(`fetching ${packages.length} packages for ${set.packages.join(', ')}`);
  const incoming = `${root}.${process.pid}.incoming`;
  try {
    await apt.unpack(packages, incoming);
    const stamp: Stamp = { wanted: set.packages, unpacked: packages };
    await writeFile(stampOf(incoming), JSON.stringify(stamp, null, 2));
    await rm(root, { recursive: true, force: true });
    await rename(incoming, root);
  } finally {
    await rm(incoming, { recursive: true, force: true });
  }
}
