import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import type { Milliseconds } from '../../../src/units.js';

export interface RunOptions {
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  /** The command is killed after this time, and `run` rejects. */
  timeout?: Milliseconds;
}

/** A command that ended: its exit code (128 + signal when it was killed) and all it printed. */
export interface Ran {
  code: number;
  stdout: string;
  stderr: string;
}

/**
 * Runs a command to its end without a shell.
 * A command that cannot be started at all (not found, not executable) has exit code 127.
 */
export function tryRun(command: string, args: readonly string[], options: RunOptions = {}): Promise<Ran> {
  return new Promise((resolve) => {
    let stdout = '';
    let stderr = '';
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: options.env ?? process.env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    // Not spawn's own `timeout`: its timer lives on, and keeps this process alive, when the command could not be started.
    const timer = options.timeout && setTimeout(() => child.kill('SIGKILL'), options.timeout);
    child.on('error', (error) => {
      clearTimeout(timer);
      resolve({ code: 127, stdout, stderr: stderr + error.message });
    });
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      resolve({ code: code ?? 128 + (signal ? constants.signals[signal] : 0), stdout, stderr });
    });
  });
}

/** Like `tryRun`, but rejects with the command and the end of its output when the exit code is not 0. Gives stdout. */
export async function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const { code, stdout, stderr } = await tryRun(command, args, options);
  if (code === 0) return stdout;
  const said = `${stdout}\n${stderr}`.trim().split('\n').slice(-15).join('\n');
  throw new Error(`"${[command, ...args].join(' ')}" ended with exit code ${code}:\n${said}`);
}
