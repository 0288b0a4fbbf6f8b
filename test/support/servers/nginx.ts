import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SECOND } from '../../../src/units.js';
import { programsOf } from './packages.js';
import { freePort } from './ports.js';
import { run } from './run.js';
import { startProcess } from './server-process.js';
import { removeFolder, temporaryFolder } from './temporary.js';

const START_PATIENCE = 15 * SECOND;
const ATTEMPTS = 3;
const TEMPORARY = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'] as const;

export interface NginxOptions {
  /** The lines inside `http { … }`; `folder` is one of its own, to put caches and logs in. */
  readonly http: (place: { port: number; folder: string }) => string;
}

/** An nginx of one's own on 127.0.0.1: a master and one worker. */
export interface NginxServer {
  readonly url: string;
  readonly port: number;
  readonly folder: string;
  /** The master and what it has started, now. */
  processes(): NginxProcess[];
  /** Ends the server and removes its folder. */
  stop(): Promise<void>;
}

export interface NginxProcess {
  readonly pid: number;
  /** As nginx names itself: `master process`, `worker process`, `cache manager process`. */
  readonly title: string;
}

/** Starts an nginx and waits until it answers. @throws when nginx cannot be had, or it refuses what `http` says. */
export async function startNginx(options: NginxOptions): Promise<NginxServer> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await startOnce(options);
    } catch (error) {
      if (attempt === ATTEMPTS) throw error;
    }
  }
}

/** Names of the modules compiled in, such as `http_slice_module`, as `nginx -V` prints them. */
export async function nginxModules(): Promise<ReadonlySet<string>> {
  const { paths, env } = await programsOf('nginx');
  // It prints to stderr.
  const printed = await run('sh', ['-c', '"$0" -V 2>&1', paths['nginx'] as string], { env });
  return new Set([...printed.matchAll(/--with-(\w+_module)/g)].map(([, name]) => name as string));
}

async function startOnce({ http }: NginxOptions): Promise<NginxServer> {
  const { paths, env } = await programsOf('nginx');
  const [port, folder] = [await freePort(), temporaryFolder()];
  for (const name of TEMPORARY) mkdirSync(join(folder, 'temporary', name), { recursive: true });
  const file = join(folder, 'nginx.conf');
  writeFileSync(file, configuration(folder, http({ port, folder })));
  const server = await startProcess({
    command: paths['nginx'] as string,
    args: ['-p', folder, '-c', file, '-e', 'stderr'],
    env,
    logFile: join(folder, 'error.log'),
  });
  const stop = async (): Promise<void> => {
    await server.end('SIGTERM');
    removeFolder(folder);
  };
  const url = `http://127.0.0.1:${port}`;
  try {
    await server.until(() => answers(url), START_PATIENCE);
  } catch (error) {
    await stop();
    throw error;
  }
  return { url, port, folder, stop, processes: () => [processOf(server.pid), ...childrenOf(server.pid).map(processOf)] };
}

function configuration(folder: string, http: string): string {
  const temporary = TEMPORARY.map((name) => `${name}_temp_path ${join(folder, 'temporary', name)};`);
  return [
    // As root it would give its workers to a user who cannot enter the folder.
    ...(process.getuid?.() === 0 ? ['user root;'] : []),
    'daemon off;',
    'worker_processes 1;',
    'error_log stderr warn;',
    `pid ${join(folder, 'nginx.pid')};`,
    'events { worker_connections 4096; }',
    'http {',
    // Its own default cannot be written; a `server` block may have one all the same.
    'access_log off;',
    ...temporary,
    http,
    '}',
    '',
  ].join('\n');
}

function childrenOf(pid: number): number[] {
  const isChild = (name: string): boolean => /^\d+$/.test(name) && parentOf(name) === pid;
  return readdirSync('/proc').filter(isChild).map(Number);
}

/** The fourth field of `stat`; the second may hold anything, in brackets. Undefined when the process is gone. */
function parentOf(pid: string): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return undefined;
  }
}

function processOf(pid: number): NginxProcess {
  const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  return { pid, title: /^nginx: (\w+(?: \w+)* process)/.exec(line)?.[1] ?? line };
}

function answers(url: string): Promise<boolean> {
  return fetch(url, { signal: AbortSignal.timeout(2 * SECOND) }).then(
    async (response) => {
      await response.body?.cancel();
      return true;
    },
    () => false,
  );
}
