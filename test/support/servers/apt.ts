import { mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HOUR, MINUTE } from '../../../src/units.js';
import { run, tryRun } from './run.js';

const LISTS_FRESH_FOR = 12 * HOUR;
const DOWNLOAD_TIMEOUT = 10 * MINUTE;

/**
 * An apt state of our own, in `dir`: needs no root, and neither reads nor disturbs the system's lists, locks and cache.
 * Its list of installed packages is empty, so that what a package needs is the same whatever state the system's dpkg is in.
 */
export class Apt {
  readonly #dir: string;
  readonly #config: string;

  constructor(dir: string) {
    this.#dir = dir;
    this.#config = join(dir, 'apt.conf');
  }

  /** Fetches the package lists unless they are younger than twelve hours. @throws without apt-get or network. */
  async update(say: (line: string) => void): Promise<void> {
    await this.#writeConfig();
    const marker = join(this.#dir, 'updated');
    const updated = await stat(marker).catch(() => undefined);
    if (updated && Date.now() - updated.mtimeMs < LISTS_FRESH_FOR) return;
    say('fetching the package lists');
    await this.#apt(['-o', 'APT::Update::Error-Mode=any', 'update']);
    await writeFile(marker, '');
  }

  /** The wanted packages and those of their dependencies that are not installed on this machine, by name. */
  async missing(wanted: readonly string[]): Promise<string[]> {
    const simulated = await this.#apt(['--simulate', 'install', ...wanted]);
    const closure = [...simulated.matchAll(/^Inst (\S+)/gm)].map((match) => match[1] as string);
    const installed = await installedPackages();
    return closure.filter((name) => wanted.includes(name) || !installed.has(name)).sort();
  }

  /** Downloads the packages and unpacks them below `root`; nothing is configured and no script of theirs runs. */
  async unpack(packages: readonly string[], root: string): Promise<void> {
    const archives = `${root}.debs`;
    await mkdir(archives, { recursive: true });
    await mkdir(root, { recursive: true });
    try {
      await this.#apt(['download', ...packages], archives);
      for (const archive of await readdir(archives)) await run('dpkg', ['-x', join(archives, archive), root]);
    } finally {
      await rm(archives, { recursive: true, force: true });
    }
  }

  #apt(args: readonly string[], cwd = this.#dir): Promise<string> {
    const env = { ...process.env, LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive' };
    return run('apt-get', ['-c', this.#config, '-q', ...args], { cwd, env, timeout: DOWNLOAD_TIMEOUT });
  }

  async #writeConfig(): Promise<void> {
    const at = (name: string): string => join(this.#dir, name);
    for (const name of ['state', 'lists/partial', 'cache/archives/partial']) await mkdir(at(name), { recursive: true });
    await writeFile(at('status'), '');
    await writeFile(
      this.#config,
      [
        `Dir::State "${at('state')}";`,
        `Dir::State::lists "${at('lists')}";`,
        `Dir::State::status "${at('status')}";`,
        `Dir::Cache "${at('cache')}";`,
        // As root apt would switch to a user who cannot enter a checkout below /root.
        'APT::Sandbox::User "root";',
        'APT::Install-Recommends "false";',
        'Acquire::Languages "none";',
        'Acquire::Retries "3";',
        // The system's hooks clean and index the system's own folders.
        '#clear APT::Update::Pre-Invoke;',
        '#clear APT::Update::Post-Invoke;',
        '#clear APT::Update::Post-Invoke-Success;',
        '',
      ].join('\n'),
    );
  }
}

async function installedPackages(): Promise<Set<string>> {
  const { stdout } = await tryRun('dpkg-query', ['-W', '-f', '${Package} ${db:Status-Status}\n']);
  const lines = stdout.split('\n').filter((line) => line.endsWith(' installed'));
  return new Set(lines.map((line) => line.slice(0, line.indexOf(' '))));
}
