import type { Dice } from './dice.js';
import type { Ground } from './probe.js';

const ROLES: readonly string[] = ['operator', 'partner', 'service'];

type Header = readonly [name: string, value: string | Buffer];

const ODD: readonly ((dice: Dice) => Header)[] = [
  (dice) => ['x-request-id', dice.text()],
  (dice) => ['origin', dice.of(['null', 'https://evil.example', 'http://127.0.0.1', dice.text()])],
  (dice) => ['x-forwarded-for', dice.of(['127.0.0.1', '::1, 10.0.0.1', dice.text()])],
  (dice) => ['x-forwarded-proto', dice.text()],
  (dice) => ['x-forwarded-host', dice.text()],
  (dice) => ['host', dice.of(['localhost', 'evil.example', '[::1]:4000', 'a b', '', dice.text()])],
  () => ['x-cache-debug', '1'],
  (dice) => ['apollo-require-preflight', dice.of(['true', ''])],
  (dice) => ['x-apollo-operation-name', dice.text()],
  (dice) => ['accept-encoding', dice.of(['gzip', 'br;q=1.0, *;q=0', dice.text()])],
  (dice) => ['cookie', `a=${dice.text()}`],
  (dice) => ['content-encoding', dice.of(['gzip', 'br', 'identity'])],
  (dice) => ['expect', dice.of(['100-continue', 'nothing'])],
  (dice) => ['transfer-encoding', dice.of(['identity', 'gzip', 'xchunked'])],
  (dice) => ['content-length', dice.of(['-1', '1e3', '0x10', '99999999999999999999', '3, 3'])],
  (dice) => ['connection', dice.of(['close', 'keep-alive', 'upgrade', 'authorization', dice.text()])],
  (dice) => ['upgrade', dice.of(['websocket', 'h2c', dice.text()])],
  (dice) => ['x-large', 'x'.repeat(dice.of([1_000, 8_000, 15_000, 17_000, 40_000]))],
  (dice) => [dice.of(['x-bytes', 'accept', 'user-agent', 'range']), dice.bytes(dice.between(1, 12))],
  (dice) => [dice.text(6), dice.text()],
];

/** Mostly one that is let in. */
export function anyCredential(dice: Dice, { credentials }: Ground): Ground['credentials'][number] {
  return dice.of(dice.chance(0.7) ? credentials.filter(({ name }) => ROLES.includes(name)) : credentials);
}

/** `Authorization`, whole or with an accident, and now and then headers that nobody sends. */
export function oddHeaders(dice: Dice, ground: Ground): Header[] {
  const headers: Header[] = [];
  const { value } = anyCredential(dice, ground);
  if (value !== undefined) {
    const damaged = dice.chance(0.06) ? dice.damaged(Buffer.from(value)) : value;
    headers.push([dice.chance(0.98) ? 'authorization' : 'Authorization ', damaged]);
  }
  if (dice.chance(0.01)) headers.push(['authorization', value ?? 'Bearer x']);
  const count = dice.weighted([
    [80, 0],
    [17, 1],
    [2, 3],
    [0.5, 105],
  ]);
  const odd = count > 3 ? dice.times(count, (index): Header => [`x-${index}`, '1']) : dice.times(count, () => dice.of(ODD)(dice));
  return [...headers, ...odd];
}
