import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { buffer, text } from 'node:stream/consumers';
import type { Viewer } from '../src/access/viewer.js';
import { OperationTrace } from '../src/cache/operation-trace.js';
import { Commands, type CommandParts } from '../src/changes/commands.js';
import { FileChangedError, PutUnconfirmedError } from '../src/files/file.js';
import { BodyDeadlines } from '../src/http/upload-deadline.js';
import { uploadBodyOf } from '../src/http/upload-body.js';
import { PlantCalendar } from '../src/orders/plant-day.js';
import { SECOND } from '../src/units.js';
import { Readable } from 'node:stream';
import { FakeTime } from './support/fake-time.js';
import { until, within } from './support/race.js';

let time: FakeTime;
let server: Server;
let client: Socket;
let arrived: Promise<IncomingMessage>;

beforeEach(async () => {
  time = new FakeTime();
  server = createServer();
  arrived = once(server, 'request').then(([request]) => request as IncomingMessage);
});
afterEach(() => {
  client.destroy();
  server.closeAllConnections();
  server.close();
});

async function send(head: string): Promise<IncomingMessage> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  client.write(`PUT /a HTTP/1.1\r\nHost: localhost\r\n${head}\r\n\r\n`);
  return arrived;
}

describe('the deadline of bodies', () => {
  let deadlines: BodyDeadlines;
  beforeEach(() => {
    deadlines = new BodyDeadlines(30 * SECOND, time);
    deadlines.watch(server);
  });

  test('cuts off who is slow', async () => {
    const request = await send('Content-Length: 4');
    client.write('ab');
    time.advance(30 * SECOND - 1);
    expect(request.destroyed).toBe(false);
    time.advance(1);
    expect(await within('the answer', text(client))).toMatch(/^HTTP\/1\.1 408 /);
    expect(time.pending).toBe(0);
  });

  test.each(['Content-Length: 0', 'X: y'])('is not for requests without a body: %s', async (head) => {
    await send(head);
    expect(time.pending).toBe(0);
  });

  test('ends with the body', async () => {
    const request = await send('Transfer-Encoding: chunked');
    client.write('2\r\nab\r\n0\r\n\r\n');
    await buffer(request);
    expect(time.pending).toBe(0);
  });

  test('can be lifted, and be set anew', async () => {
    const request = await send('Content-Length: 4');
    deadlines.lift(request);
    time.advance(3600 * SECOND);
    expect(request.destroyed).toBe(false);
    deadlines.start(request, 5 * SECOND);
    time.advance(5 * SECOND);
    expect(await within('the answer', text(client))).toMatch(/^HTTP\/1\.1 408 /);
  });
});

describe('the body of an upload', () => {
  const PATIENCE = 30 * SECOND;

  test('may take any time as long as it goes on', async () => {
    const body = uploadBodyOf(await send('Content-Length: 4'), PATIENCE, time);
    const all = text(body.stream());
    for (const letter of 'abcd') {
      await until('the body is waited for', () => time.pending === 1);
      time.advance(PATIENCE - 1);
      client.write(letter);
      await until('it arrived', () => time.pending === 0 || letter !== 'd');
      // The timer of the next wait begins anew.
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await all).toBe('abcd');
    expect(time.pending).toBe(0);
  });

  test.each(['head', 'stream'] as const)('fails when nothing comes: %s', async (part) => {
    const body = uploadBodyOf(await send('Content-Length: 4'), PATIENCE, time);
    const read = part === 'head' ? body.head(4) : buffer(body.stream());
    const failure = expect(read).rejects.toMatchObject({ name: 'UploadStalledError' });
    await until('the body is waited for', () => time.pending === 1);
    time.advance(PATIENCE);
    await failure;
  });

  test('is whole after its head was looked at', async () => {
    const body = uploadBodyOf(await send('Content-Length: 6'), PATIENCE, time);
    client.write('abcdef');
    expect(String(await body.head(2))).toBe('ab');
    expect(String(await body.head(100))).toBe('abcdef');
    expect(await text(body.stream())).toBe('abcdef');
  });

  test('does not run out of time while nobody takes it', async () => {
    const body = uploadBodyOf(await send('Content-Length: 4'), PATIENCE, time);
    client.write('ab');
    const stream = body.stream();
    expect(String((await body.head(1)).subarray(0, 1))).toBe('a');
    time.advance(10 * PATIENCE);
    client.write('cd');
    expect(await text(stream)).toBe('abcd');
  });
});

describe('an upload and the cache', () => {
  const SERVICE: Viewer = { role: 'service', subject: 'cad' };
  beforeEach(() => {
    client = connect(1, '127.0.0.1').on('error', () => undefined);
  });
  const run = async (put: CommandParts['putFile']) => {
    const journal: unknown[] = [];
    const commands = new Commands({
      changeStatuses: () => Promise.reject(new Error('no database')),
      putFile: (...asked) => {
        journal.push('put');
        return put(...asked).finally(() => journal.push('settled'));
      },
      renewals: { renew: (tokens) => (journal.push(...tokens), Promise.resolve('renewed')) },
      origins: { next: () => undefined, tickOff: () => Promise.resolve() },
      audit: {
        filesChanged: (act, changes) => {
          journal.push([act.way, act.requestId, ...changes]);
          return Promise.resolve();
        },
      },
      levels: [60],
      calendar: new PlantCalendar('UTC'),
    }).of(SERVICE, new OperationTrace(), 'request-1', 'UPLOAD');
    const outcome = await commands.putFile('a b.stl', Readable.from([]), { size: 0, contentType: 'model/stl' }).then(
      ({ metadata }) => metadata.etag,
      (error: Error) => error.name,
    );
    return [...journal, outcome];
  };
  const metadata = { path: 'a b.stl', size: 0, contentType: 'model/stl', etag: '"v1"', lastModified: 0 };
  const made = { metadata, etagBefore: '"old"' };

  const recorded = (etagAfter: string | null) => ['UPLOAD', 'request-1', { path: 'a b.stl', etagBefore: '"old"', etagAfter }];

  test('is acknowledged after the store has it and then the token was renewed', async () => {
    const journal = await run(() => Promise.resolve(made));
    expect(journal).toEqual(['put', 'settled', 'token:file:a%20b.stl', recorded('"v1"'), '"v1"']);
  });
  test('is renewed also when it is not known whether it was made', async () => {
    const unknown = () => Promise.reject(new PutUnconfirmedError(new Error('no answer'), '"old"'));
    expect(await run(unknown)).toEqual(['put', 'settled', 'token:file:a%20b.stl', recorded(null), 'GatewayError']);
  });
  test('is not renewed when it was not made', async () => {
    expect(await run(() => Promise.reject(new FileChangedError()))).toEqual(['put', 'settled', 'FileChangedError']);
  });
});
