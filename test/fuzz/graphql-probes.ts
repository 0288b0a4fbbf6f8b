import { createHash } from 'node:crypto';
import type { Dice } from './dice.js';
import { anyOperation, type FuzzOperation } from './documents.js';
import { oddHeaders } from './http-parts.js';
import { requestBytes, urlEncoded, type Ground, type Probe } from './probe.js';

const TYPES = [
  'application/json; charset=utf-16',
  'application/json;charset=',
  'text/plain',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x',
  'application/graphql',
  'application/octet-stream',
  '',
];
const ACCEPTS = ['application/json', 'application/graphql-response+json', '*/*', 'text/html', 'multipart/mixed', 'image/png', ''];
const EVENTS = ['text/event-stream', 'text/event-stream, application/json', 'application/json, text/event-stream'];

/** `/graphql` by GET or POST, answered at once or by events. */
export function graphqlProbe(dice: Dice, ground: Ground, events: boolean): Probe {
  const operation = anyOperation(dice, ground);
  const accept = events ? dice.of(EVENTS) : dice.chance(0.8) ? 'application/json' : dice.of(ACCEPTS);
  const byGet = dice.chance(0.2);
  const type = byGet || dice.chance(0.9) ? 'application/json' : dice.of(TYPES);
  const headers = [['accept', accept] as const, ['content-type', type] as const, ...oddHeaders(dice, ground)];
  const path = dice.weighted([
    [94, '/graphql'],
    [3, '/graphql/stream'],
    [1, '/graphql/'],
    [1, `/graphql/${urlEncoded(dice.text())}`],
  ]);
  const request = byGet ? { url: `${path}?${search(dice, operation)}` } : { url: path, body: body(dice, operation) };
  const method = byGet
    ? 'GET'
    : dice.weighted([
        [98, 'POST'],
        [1, 'PUT'],
        [1, dice.of(['DELETE', 'PATCH', 'OPTIONS', 'HEAD'])],
      ]);
  const streams = events || path === '/graphql/stream';
  return {
    target: events ? 'events by GraphQL' : 'graphql',
    pieces: [requestBytes({ method, headers, ...request }, ground.host)],
    way: streams ? 'stream' : 'exchange',
    method,
  };
}

function envelope(dice: Dice, { query, variables }: FuzzOperation): Record<string, unknown> {
  const sha256Hash = dice.chance(0.5) ? createHash('sha256').update(query).digest('hex') : dice.text();
  const persistedQuery = dice.of<unknown>([{ version: 1, sha256Hash }, { version: 2, sha256Hash }, dice.json()]);
  return {
    ...(dice.chance(0.95) && { query: dice.chance(0.98) ? query : dice.json() }),
    ...(dice.chance(0.9) && { variables: dice.chance(0.95) ? variables : dice.json() }),
    ...(dice.chance(0.1) && { operationName: dice.of<unknown>(['Any', dice.text(), dice.json()]) }),
    ...(dice.chance(0.1) && { extensions: dice.of<unknown>([{ persistedQuery }, dice.json()]) }),
  };
}

function body(dice: Dice, operation: FuzzOperation): Buffer {
  const whole = envelope(dice, operation);
  const json = (value: unknown) => Buffer.from(JSON.stringify(value));
  return dice.weighted<() => Buffer>([
    [80, () => json(whole)],
    [8, () => dice.damaged(json(whole))],
    [2, () => json(dice.times(dice.between(0, 12), () => whole))],
    [2, () => json(dice.json())],
    [1, () => Buffer.from('['.repeat(dice.of([100, 5_000, 100_000])))],
    [1, () => Buffer.from(`{"query":"{__typename}","variables":{"a":${'['.repeat(4_000)}${']'.repeat(4_000)}}}`)],
    [1, () => json({ ...whole, query: `{ ${'a { '.repeat(dice.of([20, 200, 4_000]))}` })],
    [1, () => json({ query: `{ ${dice.times(dice.of([50, 300, 3_000]), (n) => `a${n}: __typename`).join(' ')} }` })],
    [
      1,
      () => json({ query: '{ orders { totalCount } }', variables: Object.fromEntries(dice.times(2_000, (n) => [`v${n}`, n])) }),
    ],
    [1, () => Buffer.from('{"__proto__":{"query":"{__typename}"},"query":"{__typename}"}')],
    [1, () => Buffer.from(new URLSearchParams({ query: operation.query }).toString())],
    [1, () => dice.bytes(dice.between(0, 200))],
    [0.1, () => Buffer.alloc(1_100_000, 32)],
  ])();
}

function search(dice: Dice, operation: FuzzOperation): string {
  const pairs = Object.entries(envelope(dice, operation)).map(
    ([name, value]) => [name, typeof value === 'string' ? value : JSON.stringify(value)] as const,
  );
  if (dice.chance(0.05)) pairs.push(dice.of([['query', '{__typename}'] as const, ['variables', '[1'] as const]));
  const text = pairs.map(([name, value]) => `${name}=${urlEncoded(value)}`).join('&');
  return dice.chance(0.9)
    ? text
    : dice
        .damaged(Buffer.from(text))
        .toString('latin1')
        .replace(/[^\x21-\x7e]/g, '%');
}
