import { createUrlSigner, MAX_URL_LIFETIME } from '../src/files/signed-url.js';
import { signedAccess } from '../src/http/file-signature.js';

const oldKey = Buffer.alloc(32, 'old');
const newKey = Buffer.alloc(32, 'new');
const path = 'models/кольцо 17.stl';

let now = Date.parse('2025-07-24T15:00:00.400Z');
const signerWith = (...keys: Buffer[]): ReturnType<typeof createUrlSigner> => createUrlSigner({ keys, clock: () => now });
const signer = signerWith(oldKey);

const changed = (query: string, name: string, value: string): string => {
  const params = new URLSearchParams(query);
  params.set(name, value);
  return params.toString();
};

test('opens its path until it expires', () => {
  const start = now;
  const query = signer.sign(path, { expiresIn: 300, scope: 'partner:acme' });
  expect(signer.verify(path, query)).toBe('valid');
  now = start + 299_500;
  expect(signer.verify(path, query)).toBe('valid');
  now = start + 300_000;
  expect(signer.verify(path, query)).toBe('expired');
  now = start;
});

test('opens nothing else', () => {
  const query = signer.sign(path, { expiresIn: 300 });
  for (const other of ['models/кольцо 18.stl', `${path} `, 'models', '', encodeURI(path)]) {
    expect(signer.verify(other, query)).toBe('invalid');
  }
});

test('cannot be forged', () => {
  const query = signer.sign(path, { expiresIn: 300, scope: 'partner:acme' });
  const signature = new URLSearchParams(query).get('signature') ?? '';
  const forgeries = [
    changed(query, 'expires', '99999999999'),
    changed(query, 'expires', `0${new URLSearchParams(query).get('expires')}`),
    changed(query, 'expires', ''),
    changed(query, 'scope', 'operator'),
    query.replace(/scope=[^&]*&/, ''),
    changed(query, 'signature', ''),
    changed(query, 'signature', `${signature}=`),
    changed(query, 'signature', signature.toLowerCase()),
    changed(query, 'signature', 'я'.repeat(signature.length)),
    `${query}&scope=operator`,
    `${query}&signature=${signature}`,
  ];
  for (const forgery of forgeries) expect(signer.verify(path, forgery)).toBe('invalid');
});

test('the border between the fields cannot be moved', () => {
  const query = signer.sign('a', { expiresIn: 300, scope: '"b' });
  expect(signer.verify('a"', changed(query, 'scope', 'b'))).toBe('invalid');
  expect(signer.verify('a', changed(signer.sign('a', { expiresIn: 300 }), 'scope', ''))).toBe('invalid');
});

test('an expired forgery is not told apart', () => {
  expect(signer.verify(path, 'expires=1&signature=x')).toBe('invalid');
});

test('a query without a signature is none', () => {
  for (const query of ['', 'expires=1', 'download=1']) expect(signer.verify(path, query)).toBe('absent');
});

test('keys are rotated without breaking a URL', () => {
  const query = signer.sign(path, { expiresIn: 300 });
  const rotated = signerWith(newKey, oldKey);
  expect(rotated.verify(path, query)).toBe('valid');
  expect(signerWith(newKey).verify(path, query)).toBe('invalid');
  expect(signerWith(newKey).verify(path, rotated.sign(path, { expiresIn: 300 }))).toBe('valid');
});

test('is made from whole seconds and proper keys only', () => {
  for (const expiresIn of [0, -1, 1.5, Number.NaN, MAX_URL_LIFETIME + 1]) {
    expect(() => signer.sign(path, { expiresIn })).toThrow('expiresIn must be a whole number of seconds from 1 to 604800');
  }
  for (const keys of [[], [Buffer.alloc(15)], [oldKey, newKey, oldKey]]) expect(() => signerWith(...keys)).toThrow(RangeError);
});

test('a request shows the scope that its URL was made for', () => {
  const query = signer.sign(path, { expiresIn: 300, scope: 'partner:acme' });
  expect(signedAccess(signer, `/files/x?${query}`, path)).toEqual({ scope: 'partner:acme' });
  expect(signedAccess(signer, `/files/x?${signer.sign(path, { expiresIn: 1 })}`, path)).toEqual({ scope: undefined });
  expect(signedAccess(signer, '/files/x', path)).toBeNull();
  expect(() => signedAccess(signer, `/files/x?${query}`, 'other')).toThrow('does not belong to this URL');
  now += 300_000;
  expect(() => signedAccess(signer, `/files/x?${query}`, path)).toThrow('has expired');
});
