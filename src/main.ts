import { pino } from 'pino';
import { ConfigError, loadConfig, type Config } from './config.js';
import { suspects } from './config-suspects.js';
import { loggedError } from './telemetry/log-error.js';

// The SDK announces on every start that it will leave this Node line one day; that is for developers, not for operators.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';

function readConfig(): Config {
  try {
    return loadConfig(process.env);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`The gateway cannot start:\n${error.message}\n`);
    process.exit(1);
  }
}

const config = readConfig();
const log = pino({ level: config.logLevel, serializers: { err: loggedError } });

// Else Node prints them between the lines of the log, in a form of its own.
process.removeAllListeners('warning').on('warning', (err) => log.warn({ err }, 'Node warns'));

const unread = suspects(Object.keys(process.env)).map(({ name, meant }) => `${name} (did you mean ${meant.join(' or ')}?)`);
if (unread.length > 0) log.warn(`unknown variables are ignored: ${unread.join(', ')}`);

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Failures whose message is all that an operator needs; anything else is shown with its stack. */
function fail(error: unknown): never {
  const { code, name, syscall, message } = error as NodeJS.ErrnoException;
  const { host, port } = config.http;
  if (syscall === 'listen' && code === 'EADDRINUSE') {
    process.stderr.write(`PORT: ${port} on ${host} is in use already; expected a free port.\n`);
  } else if (syscall === 'listen') process.stderr.write(`HOST, PORT: cannot listen on ${host}:${port} (${code}).\n`);
  else if (name === 'ConfigError') process.stderr.write(`The gateway cannot start:\n${message}\n`);
  else if (name === 'SchemaError') process.stderr.write(`MES_DATABASE_URL: ${message}\n`);
  else log.fatal({ err: error }, 'the gateway cannot start');
  process.exit(1);
}

const { startGateway } = await import('./compose.js');
const { welcome } = await import('./welcome.js');
const gateway = await startGateway(config, log, say).catch(fail);
log.info({ url: gateway.url }, 'listening');
if (gateway.demo) say(welcome(gateway.url, gateway.demo));

let stopping = false;
function stop(signal: NodeJS.Signals): void {
  if (stopping) return;
  stopping = true;
  log.info({ signal }, 'shutting down');
  void gateway.close().then(() => {
    log.info('stopped');
    process.exit(0);
  });
}
process.on('SIGTERM', stop);
process.on('SIGINT', stop);
