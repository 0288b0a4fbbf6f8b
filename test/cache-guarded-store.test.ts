import { GuardedStore } from '../src/cache/guarded-store.js';
import { JoinedReader } from '../src/cache/joined-reader.js';
import { createMemoryStore } from '../src/cache/keyv-store.js';
import { unavailable, type Store, type StoreRead } from '../src/cache/store.js';
import { systemTime } from '../src/time.js';
import { MIB } from '../src/units.js';
import { FakeTime } from './support/fake-time.js';

/** A store that answers, refuses or stays silent, as the test says. */
class MoodyStore implements Store {
  mood: 'answers' | 'refuses' | 'silent' = 'answers';
  requests = 0;
  private readonly inner = createMemoryStore(MIB);

  getMany(keys: readonly string[]) {
    return this.act(() => this.inner.getMany(keys));
  }

  setMany(entries: Parameters<Store['setMany']>[0]) {
    return this.act(() => this.inner.setMany(entries));
  }

  claim(...parameters: Parameters<Store['claim']>) {
    return this.act(() => this.inner.claim(...parameters));
  }

  hold() {
    return Promise.resolve();
  }

  close() {
    return this.inner.close();
  }

  private act<T>(request: () => Promise<T>) {
    this.requests += 1;
    if (this.mood === 'answers') return request();
    return this.mood === 'refuses' ? Promise.resolve(unavailable('refused')) : new Promise<T>(() => undefined);
  }
}

function guarded() {
  const time = new FakeTime();
  const inner = new MoodyStore();
  const phases: string[] = [];
  const store = new GuardedStore(inner, { deadline: 150, pause: 1_000, time, onPhase: (phase) => phases.push(phase) });
  return { time, inner, phases, store };
}

describe('breaker', () => {
  test('a silent store costs one deadline, then nothing', async () => {
    const { time, inner, phases, store } = guarded();
    inner.mood = 'silent';
    const first = store.getMany(['x']);
    time.advance(150);
    expect(await first).toMatchObject({ kind: 'unavailable', reason: 'no answer within 150 ms' });
    expect(await store.getMany(['x'])).toMatchObject({ kind: 'unavailable', reason: 'the breaker is open' });
    expect(inner.requests).toBe(1);
    expect(phases).toEqual(['open']);
    expect(store.available).toBe(false);
    expect(time.pending).toBe(0);
  });

  test('after the pause one request tries; the others do not wait for it', async () => {
    const { time, inner, phases, store } = guarded();
    inner.mood = 'refuses';
    await store.getMany(['x']);
    inner.mood = 'answers';
    time.advance(1_000);
    const [trying, other] = await Promise.all([store.getMany(['x']), store.getMany(['x'])]);
    expect([trying.kind, other.kind]).toEqual(['read', 'unavailable']);
    expect((await store.getMany(['x'])).kind).toBe('read');
    expect(phases).toEqual(['open', 'half-open', 'closed']);
  });

  test('a failed try opens it again', async () => {
    const { time, inner, phases, store } = guarded();
    inner.mood = 'refuses';
    await store.getMany(['x']);
    time.advance(1_000);
    await store.getMany(['x']);
    await store.getMany(['x']);
    expect(inner.requests).toBe(2);
    expect(phases).toEqual(['open', 'half-open', 'open']);
  });

  test('a write that others rely on is tried although it is open', async () => {
    const { inner, store } = guarded();
    inner.mood = 'refuses';
    await store.getMany(['x']);
    inner.mood = 'answers';
    expect(await store.insist([{ key: 'x', value: 1, ttl: 1_000 }])).toMatchObject({ kind: 'written' });
    expect(store.available).toBe(true);
  });

  test('a store that throws is unavailable', async () => {
    const time = new FakeTime();
    const boom = () => Promise.reject(new Error('boom'));
    const inner: Store = { getMany: boom, setMany: boom, claim: boom, hold: boom, close: boom };
    const store = new GuardedStore(inner, { deadline: 150, pause: 1_000, time });
    expect(await store.getMany(['x'])).toMatchObject({ kind: 'unavailable' });
    expect(time.pending).toBe(0);
  });
});

describe('joined reads', () => {
  /** A store whose answers the test gives one by one. */
  function manual() {
    const requests: { keys: readonly string[]; answer: (read: StoreRead) => void }[] = [];
    const reader = new JoinedReader({
      getMany: (keys) => new Promise((answer) => requests.push({ keys, answer })),
    });
    const answerNext = (index: number) => {
      const request = requests[index];
      request?.answer({ kind: 'read', epoch: 'e', values: request.keys.map((key) => `${key}@${index}`) });
    };
    return { requests, reader, answerNext };
  }

  test('who arrives while a request is under way waits for the next one, which asks for all', async () => {
    const { requests, reader, answerNext } = manual();
    const first = reader.read(['a']);
    await Promise.resolve();
    const later = [reader.read(['a', 'b']), reader.read(['c']), reader.read(['b'])];
    expect(requests.map(({ keys }) => keys)).toEqual([['a']]);
    answerNext(0);
    await first;
    await new Promise(setImmediate);
    expect(requests.map(({ keys }) => keys)).toEqual([['a'], ['a', 'b', 'c']]);
    answerNext(1);
    const answers = await Promise.all(later);
    expect(answers.map((answer) => (answer.kind === 'read' ? answer.get('b') : undefined))).toEqual(['b@1', 'b@1', 'b@1']);
    const before = await first;
    expect(before.kind === 'read' && before.get('a')).toBe('a@0');
  });

  test('reads of one tick share a request', async () => {
    const { requests, reader, answerNext } = manual();
    const both = [reader.read(['a']), reader.read(['b'])];
    await Promise.resolve();
    answerNext(0);
    await Promise.all(both);
    expect(requests).toHaveLength(1);
  });

  test('a request that is unavailable does not hold up the next', async () => {
    const { requests, reader, answerNext } = manual();
    const first = reader.read(['a']);
    await Promise.resolve();
    requests[0]?.answer(unavailable('down'));
    expect(await first).toMatchObject({ kind: 'unavailable' });
    const second = reader.read(['a']);
    await new Promise(setImmediate);
    answerNext(1);
    expect(await second).toMatchObject({ kind: 'read' });
  });
});

test('a process that was busy for longer than the deadline does not blame the store', async () => {
  const turns = async (count: number): Promise<void> => {
    for (let turn = 0; turn < count; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  };
  const inner = createMemoryStore(MIB);
  // As a client does: the request leaves in a later turn of the event loop, and its answer comes some turns after.
  const getMany = async (keys: readonly string[]) => {
    await turns(3);
    return inner.getMany(keys);
  };
  const store = new GuardedStore(Object.assign(Object.create(inner) as Store, { getMany }), {
    deadline: 50,
    pause: 1_000,
    time: systemTime,
  });
  const answer = store.getMany(['k']);
  for (const end = performance.now() + 120; performance.now() < end;);
  expect(await answer).toMatchObject({ kind: 'read' });
});
