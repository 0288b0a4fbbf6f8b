import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK } from 'jose';
import { COOLDOWN, KEYS_FRESH, KEYS_TRUSTED, RETRY } from '../src/http/identity-keys.js';
import { createIdentity, type Identity } from '../src/http/identity.js';
import { FakeTime } from './support/fake-time.js';
import { until } from './support/race.js';

interface Key {
  readonly kid: string;
  readonly privateKey: CryptoKey;
  readonly jwk: JWK;
}

async function newKey(kid: string): Promise<Key> {
  const { privateKey, publicKey } = await generateKeyPair('ES256');
  return { kid, privateKey, jwk: { ...(await exportJWK(publicKey)), alg: 'ES256', kid } };
}

describe('keys that are published', () => {
  let server: Server;
  let old: Key;
  let next: Key;
  let time: FakeTime;
  let identity: Identity;
  let asked = 0;
  let published: Key[] = [];
  const publish = (response: ServerResponse): void =>
    void response.end(JSON.stringify({ keys: published.map(({ jwk }) => jwk) }));
  let answer = publish;

  beforeAll(async () => {
    [old, next] = await Promise.all([newKey('old'), newKey('next')]);
    server = createServer((_request, response) => {
      asked += 1;
      answer(response);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });
  beforeEach(() => {
    [asked, published, answer] = [0, [old], publish];
    time = new FakeTime();
    identity = createIdentity({ keys: { jwksUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks` }, time });
  });

  const tokenBy = async ({ kid, privateKey }: Pick<Key, 'kid' | 'privateKey'>): Promise<string> => {
    const claims = { sub: 'ada', role: 'operator', exp: Math.floor(time.now() / 1_000) + 7 * 86_400 };
    return `Bearer ${await new SignJWT(claims).setProtectedHeader({ alg: 'ES256', kid }).sign(privateKey)}`;
  };
  /** `accepted`, or the code of the error. */
  const verdict = async (key: Pick<Key, 'kid' | 'privateKey'>): Promise<string> =>
    identity.callerOf(await tokenBy(key)).then(
      () => 'accepted',
      (error: { code?: string }) => String(error.code),
    );

  test('are asked for once, by whoever comes first, for all', async () => {
    expect(await Promise.all([old, old, old].map(verdict))).toEqual(['accepted', 'accepted', 'accepted']);
    expect(await verdict(old)).toBe('accepted');
    expect(asked).toBe(1);
  });

  test('may be replaced: a new one is found by its first token, and the withdrawn one is not accepted any more', async () => {
    expect(await verdict(old)).toBe('accepted');
    published = [next];
    time.advance(COOLDOWN);
    expect(await verdict(next)).toBe('accepted');
    expect(await verdict(old)).toBe('UNAUTHENTICATED');
    expect(asked).toBe(2);
  });

  test('are asked for again in the background when they are old, so a new one is known before it is used', async () => {
    expect(await verdict(old)).toBe('accepted');
    published = [old, next];
    time.advance(KEYS_FRESH);
    expect(await verdict(old)).toBe('accepted');
    await until('the second question', () => asked === 2);
    expect(await verdict(next)).toBe('accepted');
    expect(asked).toBe(2);
  });

  test('are not asked for again for every token that names a key that is not there', async () => {
    expect(await verdict(old)).toBe('accepted');
    for (const kid of ['a', 'b', '../old']) expect(await verdict({ ...next, kid })).toBe('UNAUTHENTICATED');
    expect(asked).toBe(1);
    time.advance(COOLDOWN);
    const many = Array.from({ length: 20 }, (_, index) => verdict({ ...next, kid: `stranger-${index}` }));
    expect(new Set(await Promise.all(many))).toEqual(new Set(['UNAUTHENTICATED']));
    expect(asked).toBe(2);
  });

  describe.each([
    ['an error', (response: ServerResponse) => void response.writeHead(500).end('keys are at /etc/keys')],
    ['garbage', (response: ServerResponse) => void response.end('<html>')],
    ['no keys', (response: ServerResponse) => void response.end('{"keys":"none"}')],
    ['another address', (response: ServerResponse) => void response.writeHead(302, { location: '/jwks' }).end()],
    ['nothing, and breaks off', (response: ServerResponse) => void response.destroy()],
    ['too much', (response: ServerResponse) => void response.end(`{"keys":[${'{},'.repeat(200_000)}{}]}`)],
  ])('while the provider answers %s', (_name, broken) => {
    test('known ones go on being accepted, and what is signed by others can be judged later', async () => {
      expect(await verdict(old)).toBe('accepted');
      [answer, published] = [broken, [old, next]];
      time.advance(KEYS_FRESH);
      expect(await verdict(next)).toBe('SOURCE_UNAVAILABLE');
      const after = asked;
      expect(await Promise.all([verdict(old), verdict(next)])).toEqual(['accepted', 'SOURCE_UNAVAILABLE']);
      // A failure is not repeated at once.
      expect(asked).toBe(after);
      answer = publish;
      time.advance(RETRY);
      expect(await verdict(next)).toBe('accepted');
    });
  });

  test('are not believed for ever while the provider is away', async () => {
    expect(await verdict(old)).toBe('accepted');
    answer = (response) => void response.destroy();
    time.advance(KEYS_TRUSTED - 1);
    expect(await verdict(old)).toBe('accepted');
    time.advance(RETRY + 1);
    expect(await verdict(old)).toBe('SOURCE_UNAVAILABLE');
  });

  test('that never arrive whole hang nobody: known ones do not wait, others for some seconds', async () => {
    expect(await verdict(old)).toBe('accepted');
    const dripping: NodeJS.Timeout[] = [];
    answer = (response) => void dripping.push(setInterval(() => response.write(' '), 50));
    time.advance(KEYS_FRESH);
    const waiting = verdict(next);
    expect(await Promise.all([verdict(old), verdict(old)])).toEqual(['accepted', 'accepted']);
    expect(await waiting).toBe('SOURCE_UNAVAILABLE');
    dripping.forEach(clearInterval);
  });
});
