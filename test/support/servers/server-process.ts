import { spawn, spawnSync, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { SECOND, type Milliseconds } from '../../../src/units.js';

const POLL: Milliseconds = 20;

export interface ServerCommand {
  command: string;
  args: readonly string[];
  /** Gets what the server prints; read again for the message when the start fails. */
  logFile: string;
  env?: NodeJS.ProcessEnv;
  /** How to start a child when plain `spawn` will not do, such as under another user. */
  spawn?: (command: string, args: readonly string[], options: SpawnOptions) => ChildProcess;
}

/** A running child, which does not keep this process alive and does not outlive it. */
export interface ServerProcess {
  readonly pid: number;
  /** False from the moment that the child's end has been noticed. */
  isRunning(): boolean;
  kill(signal: NodeJS.Signals): void;
  /** Sends the signal, waits for the end, and sends SIGKILL after the grace. Harmless when it has ended already. */
  end(signal?: NodeJS.Signals, grace?: Milliseconds): Promise<void>;
  /** Waits until `ready` gives true. @throws with the end of the log when the child ends or the time is over before. */
  until(ready: () => Promise<boolean>, patience: Milliseconds): Promise<void>;
  /** Waits until it has ended by itself. @throws with the end of the log when its exit code is not 0 or the time is over before. */
  ended(patience: Milliseconds): Promise<void>;
}

const children = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL');
});

let deathSignal: readonly string[] | undefined;

/** The words before a command that have the kernel kill it when the process that started it dies; none where that cannot be had. */
export function dyingWithParent(): readonly string[] {
  deathSignal ??= spawnSync('setpriv', ['--pdeathsig', 'KILL', 'true']).status === 0 ? ['setpriv', '--pdeathsig', 'KILL'] : [];
  return deathSignal;
}

/** Starts a server. @throws when the command cannot be started at all. */
export async function startProcess(server: ServerCommand): Promise<ServerProcess> {
  const [command, ...args] = [...dyingWithParent(), server.command, ...server.args] as [string, ...string[]];
  const log = openSync(server.logFile, 'a');
  const child = (server.spawn ?? spawn)(command, args, { env: server.env ?? process.env, stdio: ['ignore', log, log] });
  closeSync(log);
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', reject);
  });
  child.unref();
  children.add(child);
  child.once('exit', () => children.delete(child));
  return new Child(child, server);
}

class Child implements ServerProcess {
  readonly pid: number;
  readonly #child: ChildProcess;
  readonly #server: ServerCommand;

  constructor(child: ChildProcess, server: ServerCommand) {
    this.pid = child.pid as number;
    this.#child = child;
    this.#server = server;
  }

  isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async end(signal: NodeJS.Signals = 'SIGTERM', grace: Milliseconds = 10 * SECOND): Promise<void> {
    if (!this.isRunning()) return;
    const gone = new Promise<void>((resolve) => this.#child.once('exit', () => resolve()));
    this.#child.ref();
    this.kill(signal);
    // A stopped process gets no other signal before it goes on.
    if (signal !== 'SIGKILL') this.kill('SIGCONT');
    const killer = setTimeout(() => this.kill('SIGKILL'), grace);
    await gone;
    clearTimeout(killer);
  }

  async until(ready: () => Promise<boolean>, patience: Milliseconds): Promise<void> {
    const deadline = Date.now() + patience;
    while (!(await ready())) {
      if (!this.isRunning()) throw this.#failure(this.#end());
      if (Date.now() > deadline) throw this.#failure(`was not ready after ${patience} ms`);
      await sleep(POLL);
    }
  }

  async ended(patience: Milliseconds): Promise<void> {
    const deadline = Date.now() + patience;
    while (this.isRunning() && Date.now() < deadline) await sleep(POLL);
    if (this.#child.exitCode !== 0) throw this.#failure(this.#end());
  }

  #end(): string {
    if (this.isRunning()) return 'did not end in time';
    return `ended with ${this.#child.signalCode ?? `exit code ${this.#child.exitCode ?? '?'}`}`;
  }

  #failure(what: string): Error {
    const printed = readFileSync(this.#server.logFile, 'utf8').trim().split('\n').slice(-15).join('\n');
    return new Error(`${this.#server.command} ${what}; it printed:\n${printed}`);
  }
}
