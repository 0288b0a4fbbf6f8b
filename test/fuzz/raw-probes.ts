import type { Dice } from './dice.js';
import { chunks } from './file-probes.js';
import { anyCredential } from './http-parts.js';
import type { Ground, Probe } from './probe.js';

const BODY = '{"query":"{ __typename }"}';
const INNER = 'GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n';

/** Requests in which two readers could see different ends (smuggling), and what is hardly HTTP. */
const SHAPES: readonly ((dice: Dice, good: (more: string, body?: string) => string) => string)[] = [
  (_dice, good) => good('Content-Length: 5\r\nTransfer-Encoding: chunked\r\n', `0\r\n\r\n${INNER}`),
  (_dice, good) => good('Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n', `0\r\n\r\n${INNER}`),
  (_dice, good) => good('Transfer-Encoding: chunked, identity\r\n', `0\r\n\r\n${INNER}`),
  (_dice, good) => good('Transfer-Encoding : chunked\r\n', `0\r\n\r\n${INNER}`),
  (_dice, good) => good('Transfer-Encoding:\tchunked\r\nContent-Length: 4\r\n', `0\r\n\r\n${INNER}`),
  (_dice, good) => good('Content-Length: 26\r\nContent-Length: 27\r\n', BODY + INNER),
  (_dice, good) => good('Content-Length: +26\r\n', BODY),
  (_dice, good) => good('Content-Length: 26\r\n X-Folded: yes\r\n', BODY),
  (_dice, good) => good('X-A: a\nContent-Length: 26\r\n', BODY),
  (_dice, good) => good('X-A: a\rb\r\nContent-Length: 26\r\n', BODY),
  (_dice, good) => good('Host: other\r\nContent-Length: 26\r\n', BODY),
  (_dice, good) => good(`Content-Length: ${2 ** 31}\r\n`, BODY),
  (dice, good) => good('Transfer-Encoding: chunked\r\n', chunks(dice, Buffer.from(BODY)).toString('latin1')),
  (dice, good) =>
    good(
      'Transfer-Encoding: chunked\r\nTrailer: authorization\r\n',
      `1a\r\n${BODY}\r\n0\r\n${dice.text()}: ${dice.text()}\r\n\r\n`,
    ),
  (_dice, good) => good('Expect: 100-continue\r\nContent-Length: 26\r\n', BODY),
  (_dice, good) =>
    good(
      'Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\nContent-Length: 26\r\n',
      BODY,
    ),
  (_dice, good) => good('Content-Length: 26\r\n', BODY).repeat(20),
  () => 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  () => 'CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: localhost\r\n\r\n',
  () => 'GET http://evil.example/graphql HTTP/1.1\r\nHost: localhost\r\n\r\n',
  () => 'OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n',
  () => 'GET /graphql HTTP/1.0\r\n\r\n',
  () => 'GET /graphql\r\n',
  () => 'GET /graphql HTTP/1.1\r\n\r\n',
  (dice) => `GET /${'a'.repeat(dice.of([5_000, 17_000, 100_000]))} HTTP/1.1\r\nHost: localhost\r\n\r\n`,
  (dice) => `${dice.text()} ${dice.text()} HTTP/${dice.of(['1.1', '9.9', '1', '-1'])}\r\nHost: ${dice.text()}\r\n\r\n`,
  (dice) =>
    `GET /${dice.of(['healthz', 'readyz', 'metrics', 'files', 'demo', dice.text()])}?${dice.text()} HTTP/1.1\r\nHost: localhost\r\n\r\n`,
];

/** Bytes on a connection of their own: HTTP with accidents, shapes of smuggling, or noise. */
export function rawProbe(dice: Dice, ground: Ground): Probe {
  const { value } = anyCredential(dice, ground);
  const good = (more: string, body = ''): string =>
    `POST /graphql HTTP/1.1\r\nHost: ${ground.host}\r\nContent-Type: application/json\r\n${value === undefined ? '' : `Authorization: ${value}\r\n`}${more}\r\n${body}`;
  const shape = Buffer.from(dice.of(SHAPES)(dice, good), 'latin1');
  const bytes = dice.weighted<() => Buffer>([
    [5, () => shape],
    [4, () => dice.damaged(shape)],
    [1, () => dice.bytes(dice.between(1, 300))],
  ])();
  // The same in several packets.
  const at = dice.below(bytes.length);
  const pieces = dice.chance(0.5) ? [bytes] : [bytes.subarray(0, at), bytes.subarray(at)];
  return { target: 'raw', pieces, way: 'socket' };
}
