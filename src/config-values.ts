import { isIP } from 'node:net';
import { z } from 'zod';
import { DAY, MINUTE, type Minutes } from './units.js';

/** Readers of single settings. Each message says what was expected and, where it can hold no secret, what came instead. */

export const text = z.string().trim().min(1);

export function wholeNumber(min: number, max: number) {
  const expected = `expected a whole number from ${min} to ${max}`;
  return parsed((value) => {
    const number = Number(value);
    return /^\d+$/.test(value) && number >= min && number <= max ? number : but(expected, value);
  });
}

export const flag = parsed((value) => {
  if (/^(true|1|yes|on)$/i.test(value)) return true;
  return /^(false|0|no|off)$/i.test(value) ? false : but('expected true or false (also 1, yes, on; 0, no, off)', value);
});

const NAMED_NETWORKS: Readonly<Record<string, readonly string[]>> = {
  loopback: ['127.0.0.0/8', '::1/128'],
  private: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7'],
};

/** Which proxies are believed: a flag, or addresses and networks. A number of hops would also believe who comes past the proxies. */
export const proxies = parsed((value): boolean | readonly string[] | Problem => {
  // No 1: where others count hops, it would mean one proxy, and not everybody.
  if (/^(true|yes|on)$/i.test(value)) return true;
  if (/^(false|0|no|off)$/i.test(value)) return false;
  const networks = list(value).flatMap((each) => NAMED_NETWORKS[each] ?? each);
  const wrong = networks.find((each) => !isNetwork(each));
  return wrong === undefined && networks.length > 0
    ? networks
    : but('expected true, false, or addresses and networks with commas, such as loopback,private,203.0.113.0/24', wrong ?? value);
});

function isNetwork(value: string): boolean {
  const [address = '', bits, ...more] = value.split('/');
  const most = { 4: 32, 6: 128 }[isIP(address)];
  if (most === undefined || more.length > 0) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= most);
}

export function oneOf<const Options extends readonly string[]>(options: Options) {
  return parsed((value): Options[number] | Problem =>
    options.includes(value) ? value : but(`expected ${options.length > 1 ? 'one of ' : ''}${options.join(', ')}`, value),
  );
}

/** URLs may hold passwords: a wrong one is not repeated in the message. */
export function url(protocols: readonly string[]) {
  return parsed((value) =>
    hasProtocol(value, protocols) ? value : problem(`expected a URL that starts with ${starts(protocols)}`),
  );
}

/** What other URLs begin with. */
export const baseUrl = parsed((value) => {
  const protocols = ['http:', 'https:'];
  if (!hasProtocol(value, protocols)) return problem(`expected a URL that starts with ${starts(protocols)}`);
  const { username, password } = new URL(value);
  const isBare = username === '' && password === '' && !/[?#]/.test(value);
  return isBare ? value : problem('expected a URL without user, query and fragment, for other URLs begin with it');
});

const REDIS_PROTOCOLS = ['redis:', 'rediss:'];

export const redisUrl = parsed((value) => {
  const urls = list(value);
  const good = urls.length > 0 && urls.every((each) => hasProtocol(each, REDIS_PROTOCOLS));
  return good
    ? urls
    : problem(`expected one URL, or for a Redis Cluster several with commas, that start with ${starts(REDIS_PROTOCOLS)}`);
});

export const origins = parsed((value) => {
  const wrong = list(value).find((each) => !hasProtocol(each, ['http:', 'https:']) || new URL(each).origin !== each);
  return wrong === undefined ? list(value) : but('expected origins with commas, such as https://portal.example.com', wrong);
});

export const secrets = parsed((value) => {
  const keys = list(value);
  const good = keys.length >= 1 && keys.length <= 2 && keys.every((key) => key.length >= 16);
  return good ? keys : problem('expected one or two secrets with a comma, each of 16 characters or more');
});

export const timeZone = parsed((value) => {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: value }).resolvedOptions().timeZone;
  } catch {
    return but('expected an IANA time zone, such as UTC or Europe/Berlin', value);
  }
});

const LEVELS = 'expected ascending minutes with commas, each dividing the next and all dividing a day, such as 15,30,60';

export const windowLevels = parsed((value) => {
  const levels: Minutes[] = list(value).map((each) => (/^\d+$/.test(each) ? Number(each) : Number.NaN));
  const wrong = levels.length === 0 ? 'there is none' : levels.map(levelProblem).find((found) => found !== undefined);
  return wrong === undefined ? levels : problem(`${LEVELS}, but got "${value}": ${wrong}`);
});

function levelProblem(level: Minutes, index: number, levels: readonly Minutes[]): string | undefined {
  const day = DAY / MINUTE;
  const next = levels[index + 1];
  if (!Number.isInteger(level) || level < 1) return 'each must be a whole number from 1';
  if (day % level !== 0) return `${level} does not divide a day of ${day} minutes`;
  if (next === undefined || !Number.isInteger(next)) return undefined;
  if (next <= level) return `${next} stands after ${level}`;
  return next % level === 0 ? undefined : `${level} does not divide ${next}`;
}

/** How the level of a day is chosen. */
export type WindowPolicy = { readonly kind: 'adaptive' } | { readonly kind: 'fixed'; readonly level: Minutes };

export const windowPolicy = parsed((value): WindowPolicy | Problem => {
  if (value === 'adaptive') return { kind: 'adaptive' };
  const [, level] = /^fixed:(\d+)$/.exec(value) ?? [];
  return level === undefined
    ? but('expected adaptive, or fixed: with a level in minutes, such as fixed:60', value)
    : { kind: 'fixed', level: Number(level) };
});

/** Whether a server that listens on `host` can be reached from this machine only. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}

interface Problem {
  readonly problem: string;
}

function problem(message: string): Problem {
  return { problem: message };
}

/** What stands before the host of a URL may be a password. */
function but(expected: string, value: string): Problem {
  return problem(`${expected}, but got "${value.replace(/\/\/.*@/, '//…@')}"`);
}

function parsed<T>(parse: (value: string) => T | Problem) {
  return text.transform((value, context): T => {
    const result = parse(value);
    if (!isProblem(result)) return result;
    context.addIssue({ code: 'custom', message: result.problem });
    return z.NEVER;
  });
}

function isProblem<T>(result: T | Problem): result is Problem {
  return typeof result === 'object' && result !== null && 'problem' in result;
}

function list(value: string): string[] {
  return value
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '');
}

function starts(protocols: readonly string[]): string {
  return protocols.map((protocol) => `${protocol}//`).join(' or ');
}

function hasProtocol(value: string, protocols: readonly string[]): boolean {
  return URL.canParse(value) && protocols.some((protocol) => value.toLowerCase().startsWith(`${protocol}//`));
}
