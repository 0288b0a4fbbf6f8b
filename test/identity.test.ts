import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { exportJWK, exportSPKI, generateKeyPair, SignJWT, UnsecuredJWT, type CryptoKey, type JWTPayload } from 'jose';
import { RETRY } from '../src/http/identity-keys.js';
import { createIdentity, type Identity } from '../src/http/identity.js';
import { FakeTime } from './support/fake-time.js';

const SECRET = 'a-secret-of-more-than-32-characters';
const OPERATOR = { sub: 'ada', role: 'operator' };
const PARTNER = { sub: 'bob', role: 'partner', partner_id: 'partner-a' };
const EXPECTED = { issuer: 'idp', audience: 'mes' };

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const now = (): number => Math.floor(Date.now() / 1000);
const good = (claims: JWTPayload = {}): JWTPayload => ({ exp: now() + 3_600, ...claims });

function signed(payload: JWTPayload, key: CryptoKey | Uint8Array = bytes(SECRET), alg = 'HS256', kid?: string): Promise<string> {
  return new SignJWT(payload).setProtectedHeader({ alg, ...(kid !== undefined && { kid }) }).sign(key);
}

async function refusalOf(identity: Identity, header: string): Promise<string> {
  const error: unknown = await identity.callerOf(header).catch((reason: unknown) => reason);
  expect(error).toMatchObject({ name: 'GatewayError', code: 'UNAUTHENTICATED' });
  return (error as Error).message;
}

describe('a token of a shared secret', () => {
  const identity = createIdentity({ keys: { secret: SECRET }, ...EXPECTED });
  const fitting = (claims: JWTPayload): JWTPayload => good({ iss: 'idp', aud: 'mes', ...claims });

  test('that was good is refused all the same once it has expired', async () => {
    const { jest: clock } = import.meta as unknown as { jest: typeof jest };
    const token = `Bearer ${await signed(fitting({ ...OPERATOR, exp: now() + 60 }))}`;
    for (let time = 0; time < 3; time += 1) expect((await identity.callerOf(token)).viewer).toMatchObject({ role: 'operator' });
    clock.useFakeTimers({ now: Date.now() + 61_000, advanceTimers: true });
    try {
      expect(await refusalOf(identity, token)).toContain('has expired');
    } finally {
      clock.useRealTimers();
    }
  });

  test.each([
    [OPERATOR, { role: 'operator', subject: 'ada' }],
    [PARTNER, { role: 'partner', subject: 'bob', partnerId: 'partner-a' }],
    [
      { sub: 's3', role: 'service', partner_id: 'partner-a', aud: ['shop', 'mes'] },
      { role: 'service', subject: 's3' },
    ],
  ])('says who asks: %j', async (claims, viewer) => {
    const token = await signed(fitting(claims));
    for (const scheme of ['Bearer', 'bearer', 'BEARER '])
      expect((await identity.callerOf(`${scheme} ${token}`)).viewer).toEqual(viewer);
  });

  test('is not needed to ask: without a header the viewer is anonymous', async () => {
    expect((await identity.callerOf(undefined)).viewer).toEqual({ role: 'anonymous' });
  });

  test.each([
    ['expired', fitting({ ...OPERATOR, exp: 1 }), 'The token has expired; get a new one.'],
    ['without an end', { ...OPERATOR, iss: 'idp', aud: 'mes' }, 'claim "exp" is missing; it must be the time'],
    ['with an end that is a text', fitting({ ...OPERATOR, exp: 'tomorrow' as unknown as number }), 'claim "exp"'],
    ['of tomorrow', fitting({ ...OPERATOR, nbf: now() + 3_600 }), 'claim "nbf" must be a time'],
    ['made tomorrow', fitting({ ...OPERATOR, iat: now() + 3_600 }), 'claim "iat" must be a time'],
    ['made at no time', fitting({ ...OPERATOR, iat: 'today' as unknown as number }), 'claim "iat" must be a time'],
    ['of another issuer', fitting({ ...OPERATOR, iss: 'other' }), 'claim "iss" must be the issuer'],
    ['of no issuer', good({ ...OPERATOR, aud: 'mes' }), 'claim "iss"'],
    ['for others', fitting({ ...OPERATOR, aud: ['shop'] }), 'claim "aud"'],
    ['for nobody', good({ ...OPERATOR, iss: 'idp' }), 'claim "aud" is missing; it must name this gateway'],
    ['that is neither read-only nor not', fitting({ ...OPERATOR, read_only: 'yes' }), 'claim "read_only" must be true or false'],
    ['of a partner with half a character', fitting({ ...PARTNER, partner_id: '\ud800' }), 'claim "partner_id"'],
    ['of a partner with a null byte', fitting({ ...PARTNER, partner_id: 'a\0' }), 'claim "partner_id"'],
    ['without a role', fitting({ sub: 'ada' }), 'claim "role" is missing; it must be'],
    ['of an unknown role', fitting({ sub: 'ada', role: 'admin' }), 'one of operator, partner, service'],
    ['that says anonymous', fitting({ sub: 'ada', role: 'anonymous' }), 'claim "role"'],
    ['of two roles', fitting({ sub: 'ada', role: ['operator'] }), 'claim "role"'],
    ['without a subject', fitting({ role: 'operator' }), 'claim "sub" is missing; it must be'],
    ['of an empty subject', fitting({ ...OPERATOR, sub: '' }), 'claim "sub" must be'],
    ['of a partner without an id', fitting({ sub: 'bob', role: 'partner' }), 'claim "partner_id" is missing'],
    ['of a partner with an empty id', fitting({ ...PARTNER, partner_id: '' }), 'claim "partner_id"'],
    ['of a partner with two ids', fitting({ ...PARTNER, partner_id: ['partner-a', 'partner-b'] }), 'claim "partner_id"'],
  ])('%s is refused with the reason', async (_name, payload, reason) => {
    const message = await refusalOf(identity, `Bearer ${await signed(payload)}`);
    expect(message).toContain(reason);
    // Neither what the token says, nor what it should have said.
    expect(message).not.toMatch(/\b(idp|mes|shop|other|partner-a|tomorrow)\b/);
  });

  test.each(['JWT', 'jwt', 'at+jwt', 'AT+JWT', 'application/at+jwt'])('may say that it is a %s', async (typ) => {
    const token = await new SignJWT(fitting(OPERATOR)).setProtectedHeader({ alg: 'HS256', typ }).sign(bytes(SECRET));
    expect((await identity.callerOf(`Bearer ${token}`)).viewer).toMatchObject({ role: 'operator' });
  });

  test.each(['logout+jwt', 'secevent+jwt', ''])('that was made for something else is refused: %s', async (typ) => {
    const token = await new SignJWT(fitting(OPERATOR)).setProtectedHeader({ alg: 'HS256', typ }).sign(bytes(SECRET));
    expect(await refusalOf(identity, `Bearer ${token}`)).toContain('header "typ" must be "JWT" or "at+jwt"');
  });

  test('that demands what is not understood is refused', async () => {
    const demanding = (header: object): string => {
      const head = Buffer.from(JSON.stringify({ alg: 'HS256', ...header })).toString('base64url');
      const body = Buffer.from(JSON.stringify(fitting(OPERATOR))).toString('base64url');
      const signature = createHmac('sha256', SECRET).update(`${head}.${body}`).digest('base64url');
      return `Bearer ${head}.${body}.${signature}`;
    };
    expect((await identity.callerOf(demanding({ kid: '../../etc/passwd' }))).viewer).toMatchObject({ role: 'operator' });
    for (const header of [{ crit: ['exp'], exp: 1 }, { crit: [] }, { crit: 'b64' }, { crit: ['b64'], b64: false }]) {
      expect(await refusalOf(identity, demanding(header))).toContain('The token is not valid');
    }
  });

  test('that is very long is refused unseen', async () => {
    const token = await signed(fitting({ ...OPERATOR, padding: 'x'.repeat(8_192) }));
    expect(await refusalOf(identity, `Bearer ${token}`)).toBe('The token must have at most 8192 characters.');
  });

  test.each([
    ['one whose token says so', { ...OPERATOR, read_only: true }, false, true],
    ['an ordinary operator', OPERATOR, false, undefined],
    ['any operator, where none may write', OPERATOR, true, true],
    ['a partner, where no operator may write', PARTNER, true, undefined],
  ])('may be good for reading only: %s', async (_name, claims, operatorsReadOnly, readOnly) => {
    const strict = createIdentity({ keys: { secret: SECRET }, operatorsReadOnly });
    const { viewer } = await strict.callerOf(`Bearer ${await signed(good(claims))}`);
    expect((viewer as { readOnly?: boolean }).readOnly).toBe(readOnly);
  });

  test('is judged with a tolerance for clocks, the same for all its times', async () => {
    const time = new FakeTime();
    const lax = createIdentity({ keys: { secret: SECRET }, clockTolerance: 5_000, time });
    const at = (seconds: number): number => Math.floor(time.now() / 1_000) + seconds;
    const viewer = { role: 'operator', subject: 'ada' };
    const late = `Bearer ${await signed({ ...OPERATOR, exp: at(10) })}`;
    expect(await lax.callerOf(late)).toEqual({ viewer, expiresAt: at(15) * 1_000 });
    time.advance(14_999);
    expect(await lax.callerOf(late)).toMatchObject({ viewer });
    time.advance(1);
    expect(await refusalOf(lax, late)).toContain('has expired');
    for (const claim of ['nbf', 'iat']) {
      const early = (ahead: number) => signed({ ...OPERATOR, exp: at(60), [claim]: at(ahead) });
      expect(await lax.callerOf(`Bearer ${await early(5)}`)).toMatchObject({ viewer });
      expect(await refusalOf(lax, `Bearer ${await early(6)}`)).toContain(`claim "${claim}"`);
    }
  });

  test('signed by another secret, with another algorithm or not at all is refused', async () => {
    const payload = fitting(OPERATOR);
    const token = await signed(payload);
    const [head, body, signature] = token.split('.') as [string, string, string];
    const other = (await signed(fitting({ ...OPERATOR, sub: 'eve' }))).split('.')[1]!;
    const forged = [
      await signed(payload, bytes('another-secret-of-32-characters-or-so')),
      await signed(payload, bytes(SECRET.repeat(2)), 'HS512'),
      new UnsecuredJWT(payload).encode(),
      `${head}.${body}.`,
      `${head}.${other}.${signature}`,
      `${Buffer.from('{"alg":"none"}').toString('base64url')}.${body}.${signature}`,
      `${token}.${token}`,
    ];
    for (const each of forged) {
      const message = await refusalOf(identity, `Bearer ${each}`);
      expect(message).toBe('The token is not valid: it must be a JWT signed for this gateway.');
    }
  });

  test.each(['', 'Bearer', 'Bearer ', 'Basic YWRhOnB3', 'Token x', 'Bearer a b'])('the header %j is refused', async (header) => {
    expect(await refusalOf(identity, header)).toBe('The header "Authorization" must be "Bearer <token>".');
  });

  test('of garbage is refused, without repeating it', async () => {
    const part = fc.oneof(
      fc.string({ unit: 'grapheme-ascii' }),
      fc.jsonValue().map((value) => Buffer.from(JSON.stringify(value)).toString('base64url')),
    );
    const garbage = fc.array(part, { minLength: 1, maxLength: 5 }).map((parts) => parts.join('.'));
    await fc.assert(
      fc.asyncProperty(garbage, async (token) => {
        const message = await refusalOf(identity, `Bearer ${token}`);
        if (token.length > 20) expect(message).not.toContain(token);
      }),
    );
  });
});

describe('a token of published keys', () => {
  let server: Server;
  let jwksUrl: string;
  let answer: { status: number; body: string };
  let keys: Record<'ES256' | 'RS256' | 'EdDSA', { privateKey: CryptoKey; publicKey: CryptoKey }>;

  beforeAll(async () => {
    const [ES256, RS256, EdDSA] = await Promise.all([
      generateKeyPair('ES256', { extractable: true }),
      generateKeyPair('RS256', { extractable: true }),
      generateKeyPair('EdDSA', { extractable: true }),
    ]);
    keys = { ES256, RS256, EdDSA };
    const published = Object.entries(keys).map(async ([alg, { publicKey }]) => ({
      ...(await exportJWK(publicKey)),
      alg,
      kid: alg,
    }));
    const body = JSON.stringify({ keys: await Promise.all(published) });
    answer = { status: 200, body };
    server = createServer((_request, response) => response.writeHead(answer.status).end(answer.body)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    jwksUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`;
  });
  afterAll(() => new Promise((done) => server.close(done)));

  test.each(['ES256', 'RS256', 'EdDSA'] as const)('says who asks: %s', async (alg) => {
    const identity = createIdentity({ keys: { jwksUrl } });
    const token = await signed(good(PARTNER), keys[alg].privateKey, alg, alg);
    expect((await identity.callerOf(`Bearer ${token}`)).viewer).toEqual({
      role: 'partner',
      subject: 'bob',
      partnerId: 'partner-a',
    });
    expect((await identity.callerOf(undefined)).viewer).toEqual({ role: 'anonymous' });
  });

  test('that expired, or is for others, is refused with the reason', async () => {
    const identity = createIdentity({ keys: { jwksUrl }, ...EXPECTED });
    const { privateKey } = keys.ES256;
    const expired = await signed({ ...OPERATOR, iss: 'idp', aud: 'mes', exp: 1 }, privateKey, 'ES256', 'ES256');
    expect(await refusalOf(identity, `Bearer ${expired}`)).toContain('has expired');
    const foreign = await signed(good({ ...OPERATOR, iss: 'idp', aud: 'shop' }), privateKey, 'ES256', 'ES256');
    expect(await refusalOf(identity, `Bearer ${foreign}`)).toContain('claim "aud"');
  });

  test('signed with a public key as a secret, by a stranger, or not at all is refused', async () => {
    const identity = createIdentity({ keys: { jwksUrl } });
    const stranger = await generateKeyPair('ES256');
    const spki = await exportSPKI(keys.RS256.publicKey);
    const jwk = JSON.stringify(await exportJWK(keys.RS256.publicKey));
    const forged = [
      await signed(good(OPERATOR), bytes(spki), 'HS256', 'RS256'),
      await signed(good(OPERATOR), bytes(spki.trim()), 'HS256'),
      await signed(good(OPERATOR), bytes(jwk), 'HS256', 'RS256'),
      await signed(good(OPERATOR), stranger.privateKey, 'ES256', 'ES256'),
      await signed(good(OPERATOR), stranger.privateKey, 'ES256', 'unknown'),
      ...(await Promise.all(
        [
          { jwk: await exportJWK(stranger.publicKey) },
          { jku: 'https://stranger.example.com/jwks' },
          { x5u: 'https://stranger.example.com/cert' },
          { kid: '../../../dev/null' },
          { kid: "' or 1=1 --" },
        ].map((header) =>
          new SignJWT(good(OPERATOR)).setProtectedHeader({ alg: 'ES256', kid: 'ES256', ...header }).sign(stranger.privateKey),
        ),
      )),
      await signed(good(OPERATOR), keys.ES256.privateKey, 'ES256', 'RS256'),
      new UnsecuredJWT(good(OPERATOR)).encode(),
    ];
    for (const token of forged) expect(await refusalOf(identity, `Bearer ${token}`)).toContain('The token is not valid');
  });

  test.each([
    ['an error', { status: 500, body: 'keys are at /etc/keys' }],
    ['no JSON', { status: 200, body: '<html>' }],
    ['no keys', { status: 200, body: '{}' }],
  ])('cannot be judged while the key server answers %s; it can later', async (_name, broken) => {
    const time = new FakeTime(Date.now());
    const identity = createIdentity({ keys: { jwksUrl }, time });
    const header = `Bearer ${await signed(good(OPERATOR), keys.ES256.privateKey, 'ES256', 'ES256')}`;
    const healthy = answer;
    answer = broken;
    const error: unknown = await identity.callerOf(header).catch((reason: unknown) => reason);
    answer = healthy;
    expect(error).toMatchObject({ name: 'GatewayError', code: 'SOURCE_UNAVAILABLE', cause: expect.anything() });
    expect((error as Error).message).toBe('The identity provider does not answer at the moment; try again shortly.');
    time.advance(RETRY);
    expect((await identity.callerOf(header)).viewer).toEqual({ role: 'operator', subject: 'ada' });
  });

  test('cannot be judged while the key server is down', async () => {
    const closed = createServer().listen(0, '127.0.0.1');
    await once(closed, 'listening');
    const { port } = closed.address() as AddressInfo;
    await new Promise((done) => closed.close(done));
    const identity = createIdentity({ keys: { jwksUrl: `http://127.0.0.1:${port}/jwks` } });
    const header = `Bearer ${await signed(good(OPERATOR), keys.ES256.privateKey, 'ES256', 'ES256')}`;
    await expect(identity.callerOf(header)).rejects.toMatchObject({ code: 'SOURCE_UNAVAILABLE' });
    expect((await identity.callerOf(undefined)).viewer).toEqual({ role: 'anonymous' });
    // The same with a TypeError of this realm: that of jest's own `fetch` is from outside, and no `instanceof` knows it.
    const { fetch } = globalThis;
    const another = createIdentity({ keys: { jwksUrl } });
    try {
      globalThis.fetch = () => Promise.reject(new TypeError('fetch failed'));
      await expect(another.callerOf(header)).rejects.toMatchObject({ code: 'SOURCE_UNAVAILABLE' });
    } finally {
      globalThis.fetch = fetch;
    }
  });
});
