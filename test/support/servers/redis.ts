import { createConnection } from 'node:net';
import { join } from 'node:path';
import { SECOND } from '../../../src/units.js';
import { programsOf, type Programs } from './packages.js';
import { freePort } from './ports.js';
import { run } from './run.js';
import { startProcess, type ServerProcess } from './server-process.js';
import { removeFolder, temporaryFolder } from './temporary.js';

const START_PATIENCE = 15 * SECOND;
const CLI_TIMEOUT = 30 * SECOND;
const ATTEMPTS = 3;

export interface RedisOptions {
  /** Default: a free one. */
  port?: number;
  /** Words for redis-server's command line, such as `['--maxmemory', '10mb']`. */
  extraArgs?: readonly string[];
}

/** A Redis of one's own on 127.0.0.1 that keeps nothing on disk unless its arguments say so. */
export interface RedisServer {
  readonly url: string;
  readonly port: number;
  /** Changes at `restart`. */
  readonly pid: number;
  /** Ends the server and removes its folder. */
  stop(): Promise<void>;
  /** Ends the server by the signal (default SIGKILL) and waits for its end; `restart` brings it back. */
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** Suspends the process: connections stay open and nothing answers. */
  freeze(): void;
  thaw(): void;
  /** Ends the server if it runs, and starts it on the same port with the same arguments and folder. */
  restart(): Promise<void>;
  /** Runs redis-cli against the server and gives what it printed, without the last line break. @throws when it fails. */
  cli(...args: string[]): Promise<string>;
}

/** Starts a Redis and waits until it answers. @throws when Redis cannot be had, or its port is taken. */
export async function startRedis(options: RedisOptions = {}): Promise<RedisServer> {
  const programs = await programsOf('redis');
  for (let attempt = 1; ; attempt++) {
    const server = new Redis(programs, options.port ?? (await freePort()), options.extraArgs ?? []);
    try {
      await server.restart();
      return server;
    } catch (error) {
      await server.stop();
      if (options.port !== undefined || attempt === ATTEMPTS) throw error;
    }
  }
}

class Redis implements RedisServer {
  readonly url: string;
  readonly port: number;
  readonly #programs: Programs;
  readonly #extraArgs: readonly string[];
  readonly #folder = temporaryFolder();
  #process: ServerProcess | undefined;

  constructor(programs: Programs, port: number, extraArgs: readonly string[]) {
    this.#programs = programs;
    this.#extraArgs = extraArgs;
    this.port = port;
    this.url = `redis://127.0.0.1:${port}`;
  }

  get pid(): number {
    if (!this.#process) throw new Error('this Redis has been stopped');
    return this.#process.pid;
  }

  async restart(): Promise<void> {
    await this.#process?.end('SIGKILL');
    const own = ['--port', String(this.port), '--bind', '127.0.0.1', '--dir', this.#folder, '--save', '', '--appendonly', 'no'];
    this.#process = await startProcess({
      command: this.#programs.paths['redis-server'] as string,
      args: [...own, ...this.#extraArgs],
      env: this.#programs.env,
      logFile: join(this.#folder, 'redis.log'),
    });
    await this.#process.until(() => answersPing(this.port), START_PATIENCE);
  }

  async stop(): Promise<void> {
    await this.#process?.end('SIGKILL');
    this.#process = undefined;
    removeFolder(this.#folder);
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    await this.#process?.end(signal);
  }

  freeze(): void {
    this.#process?.kill('SIGSTOP');
  }

  thaw(): void {
    this.#process?.kill('SIGCONT');
  }

  async cli(...args: string[]): Promise<string> {
    const words = ['-e', '-p', String(this.port), ...args];
    const printed = await run(this.#programs.paths['redis-cli'] as string, words, {
      env: this.#programs.env,
      timeout: CLI_TIMEOUT,
    });
    return printed.replace(/\n$/, '');
  }
}

function answersPing(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ port, host: '127.0.0.1' }, () => socket.write('PING\r\n'));
    const settle = (ready: boolean): void => {
      socket.destroy();
      resolve(ready);
    };
    socket.setTimeout(SECOND, () => settle(false));
    socket.once('data', (data) => settle(data.toString().startsWith('+PONG')));
    socket.once('error', () => settle(false));
  });
}
