import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SECOND } from '../../src/units.js';
import { ensureBuilt, ROOT } from './gateway-build.js';
import { post, requestHeaders, type GraphqlAnswer, type RequestOptions } from './gateway-requests.js';
import { leaksIn, secretsOf } from './secrets.js';
import { freePort } from './servers/ports.js';
import { startProcess } from './servers/server-process.js';
import { removeFolder, temporaryFolder } from './servers/temporary.js';
import { TEST_SECRET } from './tokens.js';

const START_PATIENCE = 60 * SECOND;
const STOP_PATIENCE = 30 * SECOND;

/** The production server as a process of its own. */
export interface GatewayProcess {
  /** `http://127.0.0.1:<port>` */
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** All that it has printed so far, stdout and stderr. */
  output(): string;
  isRunning(): boolean;
  /** Sends the signal and does not wait. */
  kill(signal: NodeJS.Signals): void;
  /**
   * Sends SIGTERM and waits for the end. Gives the exit code; `null`: it had to be killed, or was. Harmless when it has ended.
   * @throws if it has printed a secret of its environment
   */
  stop(): Promise<number | null>;
  /** A POST of `/graphql`. */
  graphql<T = Record<string, unknown>>(
    query: string,
    variables?: Readonly<Record<string, unknown>>,
    options?: RequestOptions,
  ): Promise<GraphqlAnswer<T>>;
  /** A request (GET unless `method` says otherwise) by `fetch`, which resolves `..` in `path`; see `sendRaw`. */
  get(path: string, options?: RequestOptions & Omit<RequestInit, 'headers'>): Promise<Response>;
}

export interface GatewayOptions {
  /** Default true: waits until `/readyz` answers 200. False: only until the process was started. */
  readonly untilReady?: boolean;
}

/**
 * Starts `node dist/main.js`, built first if the sources are newer, on a free port of 127.0.0.1. It has no environment but
 * `env` and: PATH, a DATA_DIR of its own, LOG_LEVEL=info, AUTH_JWT_SECRET=TEST_SECRET and, without S3_BUCKET, a folder of
 * its own as FILES_DIR; an empty value takes one of those away.
 * It dies with the test process; call `stop` all the same. @throws with what it printed when it ends or is not ready in time.
 */
export async function startGateway(env: Readonly<Record<string, string>>, options: GatewayOptions = {}): Promise<GatewayProcess> {
  await ensureBuilt();
  const folder = temporaryFolder();
  const port = Number(env['PORT'] ?? (await freePort()));
  const url = `http://127.0.0.1:${port}`;
  const logFile = join(folder, 'gateway.log');
  let child: ChildProcess | undefined;
  const environment = { ...defaults(folder, env), ...env, PORT: String(port) };
  const server = await startProcess({
    command: process.execPath,
    args: [join(ROOT, 'dist/main.js')],
    env: environment,
    logFile,
    spawn: (command, args, settings) => (child = spawn(command, args, { ...settings, cwd: folder })),
  });
  let printed: string | undefined;
  const stop = async (): Promise<number | null> => {
    await server.end('SIGTERM', STOP_PATIENCE);
    printed ??= readFileSync(logFile, 'utf8');
    removeFolder(folder);
    const leaks = leaksIn(printed, secretsOf(environment));
    if (leaks.length > 0) throw new Error(`the gateway must print no secret, but has printed: ${leaks.join(', ')}`);
    return child?.exitCode ?? null;
  };
  if (options.untilReady ?? true) {
    try {
      await server.until(() => isReady(url), START_PATIENCE);
    } catch (error) {
      await stop();
      throw error;
    }
  }
  return {
    url,
    port,
    pid: server.pid,
    output: () => printed ?? readFileSync(logFile, 'utf8'),
    isRunning: () => server.isRunning(),
    kill: (signal) => server.kill(signal),
    stop,
    graphql: (query, variables = {}, request = {}) => post(`${url}/graphql`, { query, variables }, request),
    get: (path, { token, headers, ...init } = {}) => fetch(url + path, { ...init, headers: requestHeaders({ token, headers }) }),
  };
}

function defaults(folder: string, env: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  return {
    PATH: process.env['PATH'],
    HOME: folder,
    DATA_DIR: join(folder, 'data'),
    LOG_LEVEL: 'info',
    AUTH_JWT_SECRET: TEST_SECRET,
    ...(env['S3_BUCKET'] === undefined && { FILES_DIR: folder }),
  };
}

function isReady(url: string): Promise<boolean> {
  return fetch(`${url}/readyz`, { signal: AbortSignal.timeout(2 * SECOND) }).then(
    ({ ok }) => ok,
    () => false,
  );
}
