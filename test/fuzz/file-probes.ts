import type { Dice } from './dice.js';
import { oddHeaders } from './http-parts.js';
import { requestBytes, urlEncoded, type Ground, type Probe } from './probe.js';

/** Uploads go below this folder, unless an accident happens to the path. */
export const UPLOADS = 'put/';

const PATHS = [
  '..%2f..%2fetc%2fpasswd',
  '../../../../etc/passwd',
  '%2e%2e/%2e%2e/etc/passwd',
  '..%5c..%5cboot.ini',
  '%00',
  'models%00.stl',
  '.hidden',
  'models/',
  '/etc/passwd',
  'a//b.stl',
  '%c0%ae%c0%ae/x',
  '%zz',
  'CON',
  'a'.repeat(300),
  `${'d/'.repeat(600)}x`,
];

const RANGES = [
  'bytes=0-0',
  'bytes=-1',
  'bytes=5-',
  'bytes=0-99999999999999999999',
  'bytes=9-2',
  'bytes=0-0,2-3',
  'bytes=-0',
  'bytes=a-b',
  'octets=0-1',
];

function anyPath(dice: Dice, ground: Ground): string {
  const known = dice.of(ground.filePaths).split('/').map(encodeURIComponent).join('/');
  const path = dice.weighted([
    [60, known],
    [20, dice.of(PATHS)],
    [20, urlEncoded(dice.text())],
  ]);
  return dice.chance(0.05) ? requestable(dice.damaged(Buffer.from(path))) : path;
}

/** No blanks or line ends: those are for the raw probes. */
function requestable(bytes: Buffer): string {
  return bytes.toString('latin1').replace(/[^\x21-\x7e]/g, '%7e');
}

function signed(dice: Dice, ground: Ground): string {
  const url = dice.of(ground.signedUrls);
  const changes: (() => string)[] = [
    () => url,
    () => requestable(dice.damaged(Buffer.from(url))),
    () => url.replace(/expires=\d+/, `expires=${encodeURIComponent(String(dice.number()))}`),
    () => url.replace(/signature=[^&]*/, `signature=${urlEncoded(dice.text())}`),
    () => url.replace(/\/files\/[^?]*/, `/files/${anyPath(dice, ground)}`),
    () => `${url}&${url.split('?')[1] ?? ''}`,
    () => `${url}&expires=9999999999`,
  ];
  return dice.of(changes)();
}

function conditions(dice: Dice) {
  const etag = () => dice.of(['*', '"x"', 'W/"x"', '"', `"${'e'.repeat(2_000)}"`, dice.text()]);
  const date = () => dice.of(['Thu, 24 Jul 2025 15:00:00 GMT', 'yesterday', 'Thu, 99 Foo 2025 99:00:00 GMT', dice.text()]);
  const all = [
    () => ['range', dice.chance(0.8) ? dice.of(RANGES) : dice.text()] as const,
    () => ['if-none-match', etag()] as const,
    () => ['if-match', etag()] as const,
    () => ['if-range', dice.chance(0.5) ? etag() : date()] as const,
    () => ['if-modified-since', date()] as const,
    () => ['if-unmodified-since', date()] as const,
  ];
  return dice.times(dice.below(4), () => dice.of(all)());
}

/** Downloads. */
export function fileProbe(dice: Dice, ground: Ground): Probe {
  const method = dice.weighted([
    [80, 'GET'],
    [15, 'HEAD'],
    [5, dice.of(['POST', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND'])],
  ]);
  const url = dice.chance(0.3) ? signed(dice, ground) : `/files/${anyPath(dice, ground)}`;
  const headers = [...conditions(dice), ...oddHeaders(dice, ground)];
  return { target: 'files', pieces: [requestBytes({ method, url, headers }, ground.host)], way: 'exchange', method };
}

/** `PUT /files/…`: bodies that are whole, cut, lied about or in broken chunks. */
export function uploadProbe(dice: Dice, ground: Ground): Probe {
  const name = dice.chance(0.8) ? `${UPLOADS}${dice.below(50)}.stl` : `${UPLOADS}${anyPath(dice, ground)}`;
  const url = `/files/${name}`;
  const headers = [
    ['content-type', dice.of(['model/stl', 'text/html', 'application/json', dice.text()])] as const,
    ...conditions(dice),
    ...oddHeaders(dice, ground),
  ];
  const body = dice.weighted<() => Buffer>([
    [6, () => Buffer.from('solid ring\nendsolid ring\n')],
    [2, () => dice.bytes(dice.below(400))],
    [1, () => Buffer.alloc(dice.of([0, 70_000, 600_000]), 7)],
    [1, () => Buffer.from('<html><script>1</script>')],
  ])();
  const broken = dice.chance(0.25);
  if (!broken) {
    return {
      target: 'uploads',
      pieces: [requestBytes({ method: 'PUT', url, headers, body }, ground.host)],
      way: 'exchange',
      method: 'PUT',
      writes: name,
    };
  }
  const lies: (() => Buffer)[] = [
    () =>
      requestBytes(
        { method: 'PUT', url, headers: [...headers, ['content-length', String(body.length + 50)]], body },
        ground.host,
      ),
    () =>
      requestBytes(
        { method: 'PUT', url, headers: [...headers, ['transfer-encoding', 'chunked']], body: chunks(dice, body) },
        ground.host,
      ),
    () => dice.damaged(requestBytes({ method: 'PUT', url, headers, body }, ground.host)),
  ];
  return { target: 'uploads', pieces: [dice.of(lies)()], way: 'socket', writes: name };
}

/** A body in chunks; mostly something is wrong with one. */
export function chunks(dice: Dice, body: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < body.length;) {
    const size = dice.between(1, Math.max(1, body.length >> 1));
    const part = body.subarray(at, at + size);
    const said = dice.weighted([
      [8, part.length.toString(16)],
      [1, (part.length + 1).toString(16)],
      [1, dice.of(['-1', 'zz', '', 'ffffffffffffffffff', '0x5', '5;a=b', `1;${'x'.repeat(20_000)}`])],
    ]);
    parts.push(Buffer.from(`${said}\r\n`), part, Buffer.from(dice.chance(0.95) ? '\r\n' : '\n'));
    at += size;
  }
  return Buffer.concat([...parts, Buffer.from(dice.of(['0\r\n\r\n', '0\r\n\r\n', '0\r\nx-a: b\r\n\r\n', '0\r\n', '']))]);
}
