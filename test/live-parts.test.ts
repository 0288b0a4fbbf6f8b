import { EventEmitter } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { WebSocket } from 'ws';
import { Backlog } from '../src/http/backlog.js';
import { wantsEvents } from '../src/http/event-stream-request.js';
import { onExpiry } from '../src/http/expiry.js';
import { WebSocketConnection } from '../src/http/websocket-connection.js';
import { SharedStreams, type StreamMember } from '../src/live/shared-streams.js';
import { DAY } from '../src/units.js';
import { FakeTime } from './support/fake-time.js';

/** A stream whose items a test gives. */
class Source implements AsyncIterableIterator<string> {
  returned = 0;
  private resolve: ((result: IteratorResult<string>) => void) | undefined;
  private reject: ((error: unknown) => void) | undefined;

  next(): Promise<IteratorResult<string>> {
    return new Promise((resolve, reject) => ([this.resolve, this.reject] = [resolve, reject]));
  }

  return(): Promise<IteratorResult<string>> {
    this.returned += 1;
    this.resolve?.({ done: true, value: undefined });
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async give(value: string): Promise<void> {
    await settle();
    this.resolve?.({ done: false, value });
    await settle();
  }

  async fail(error: unknown): Promise<void> {
    await settle();
    this.reject?.(error);
    await settle();
  }
}

async function settle(): Promise<void> {
  for (let round = 0; round < 20; round += 1) await Promise.resolve();
}

function member(): StreamMember & { got: string[]; ends: unknown[] } {
  const got: string[] = [];
  const ends: unknown[] = [];
  return { got, ends, next: (text) => got.push(text), end: (error) => ends.push(error) };
}

describe('equal subscriptions', () => {
  let streams: SharedStreams;
  let opened: Source[];
  const open = (): Promise<Source> => {
    const source = new Source();
    opened.push(source);
    return Promise.resolve(source);
  };

  beforeEach(() => {
    streams = new SharedStreams();
    opened = [];
  });

  test('are one stream, and others another', async () => {
    const [a, b, c] = [member(), member(), member()];
    await Promise.all([streams.join('k', open, a), streams.join('k', open, b), streams.join('l', open, c)]);
    await opened[0]!.give('1');
    expect([opened.length, a.got, b.got, c.got]).toEqual([2, ['1'], ['1'], []]);
  });

  test('end with the last that leaves, at once; the next begins anew', async () => {
    const [a, b] = [member(), member()];
    const [leaveA, leaveB] = await Promise.all([streams.join('k', open, a), streams.join('k', open, b)]);
    leaveA();
    await opened[0]!.give('1');
    expect([opened[0]!.returned, a.got, b.got]).toEqual([0, [], ['1']]);
    leaveB();
    expect(opened[0]!.returned).toBe(1);
    await streams.join('k', open, a);
    await opened[1]!.give('2');
    expect([a.got, a.ends]).toEqual([['2'], []]);
  });

  test('that nobody waits for any more when they have begun end', async () => {
    let begin = (): void => undefined;
    const gate = new Promise<void>((resolve) => (begin = resolve));
    const joined = streams.join('k', () => gate.then(open), member());
    const leaving = joined.then((leave) => leave());
    begin();
    await leaving;
    await settle();
    expect(opened[0]!.returned).toBe(1);
  });

  test('fail for all who waited, and the next tries again', async () => {
    const failing = () => Promise.reject(new Error('no'));
    const results = await Promise.allSettled([streams.join('k', failing, member()), streams.join('k', failing, member())]);
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    await streams.join('k', open, member());
    expect(opened.length).toBe(1);
  });

  test('that break off tell everyone why, once', async () => {
    const [a, b] = [member(), member()];
    const leave = await streams.join('k', open, a);
    await streams.join('k', open, b);
    await opened[0]!.fail('why');
    leave();
    expect([a.ends, b.ends]).toEqual([['why'], ['why']]);
  });
});

test('events that are there already are handed out one in each turn of the event loop', async () => {
  async function* many() {
    for (let event = 0; event < 50; event += 1) yield String(event);
  }
  const taker = member();
  await new SharedStreams().join('k', () => Promise.resolve(many()), taker);
  let before = 0;
  while (taker.ends.length === 0) {
    await nextTurn();
    expect(taker.got.length - before).toBeLessThanOrEqual(2);
    before = taker.got.length;
  }
  expect(taker.got.length).toBe(50);
});

test('a WebSocket that closes while its token is checked leaves nothing behind', async () => {
  const time = new FakeTime();
  const socket = Object.assign(new EventEmitter(), { OPEN: 1, CLOSED: 3, readyState: 1, close: () => undefined });
  let checked = (_caller: object): void => undefined;
  const sessions = { callerBy: () => new Promise<object>((resolve) => (checked = resolve)), asker: () => ({}) };
  const deps = { sessions, time, log: {} } as never;
  const rates = { prove: (_given: string, check: () => Promise<object>) => check() } as never;
  const connection = new WebSocketConnection(socket as unknown as WebSocket, {} as never, { base: '', rates }, deps);
  const answer = connection.authenticate({ authorization: 'Bearer x' });
  socket.readyState = socket.CLOSED;
  socket.emit('close');
  checked({ viewer: { role: 'operator' }, expiresAt: time.now() + DAY });
  expect(await answer).toBe(false);
  connection.end(4403, 'Forbidden');
  expect(time.pending).toBe(0);
});

test('a token of thirty days expires after thirty days, unless it is called off', () => {
  const time = new FakeTime();
  let expired = 0;
  const at = time.now() + 30 * DAY;
  onExpiry(at, time, () => (expired += 1));
  const cancel = onExpiry(at, time, () => (expired += 1));
  time.advance(30 * DAY - 1);
  expect(expired).toBe(0);
  cancel();
  time.advance(1);
  expect([expired, time.pending]).toEqual([1, 0]);
});

test('a backlog is full by number or by size, until something was taken', () => {
  const [many, large] = [new Backlog(), new Backlog()];
  const takes = Array.from({ length: 1_000 }, () => many.add(1));
  const take = large.add(2 ** 20);
  expect([many.isFull, large.isFull]).toEqual([true, true]);
  takes[0]!();
  take();
  expect([many.isFull, large.isFull]).toEqual([false, false]);
});

test.each([
  ['text/event-stream', true],
  ['Text/Event-Stream; charset=utf-8', true],
  ['text/event-stream, multipart/mixed', true],
  ['text/event-stream, */*', true],
  ['application/json, text/event-stream', false],
  ['application/graphql-response+json, application/json, text/event-stream, multipart/mixed', false],
  ['*/*', false],
  [undefined, false],
])('Accept: %s asks for events: %s', (accept, expected) => {
  expect(wantsEvents({ method: 'POST', headers: { ...(accept && { accept }) } })).toBe(expected);
  expect(wantsEvents({ method: 'HEAD', headers: { ...(accept && { accept }) } })).toBe(false);
});
