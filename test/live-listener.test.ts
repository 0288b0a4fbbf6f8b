import type { Viewer } from '../src/access/viewer.js';
import type { ChangeLog, LoggedChange } from '../src/changes/change-log.js';
import type { FeedMode } from '../src/changes/position.js';
import { LiveOrders } from '../src/live/live-orders.js';
import type { Order } from '../src/orders/order.js';
import { MINUTE, SECOND } from '../src/units.js';
import { FakeTime } from './support/fake-time.js';
import { idOf, orderOf } from './support/orders.js';

const OPERATOR: Viewer = { role: 'operator', subject: 'ada' };
const PARTNER: Viewer = { role: 'partner', subject: 'bob', partnerId: 'partner-a' };

/** A database of orders, and a feed in front of it that a test renews, breaks and lets fall behind. */
class World {
  readonly time = new FakeTime(Date.parse('2025-07-24T15:20Z'));
  readonly orders = new Map<string, Order>();
  readonly loads: string[][] = [];
  readonly wakes = new Set<() => void>();
  mode: FeedMode | undefined = 'outbox';
  renewed: number | undefined = 0;
  broken = false;
  loadBroken = false;
  /** Whether the log shows, once, what was committed after the snapshot of a read. */
  ahead = false;
  private shown = 0;
  private readonly history: LoggedChange[] = [];

  readonly live = new LiveOrders({
    signals: {
      mode: this.mode,
      position: { current: () => Promise.resolve(this.renewed === undefined ? undefined : snapshotOf(this.renewed)) },
      openLog: () => this.log(),
      onWake: (wake) => {
        this.wakes.add(wake);
        return () => this.wakes.delete(wake);
      },
    },
    load: (ids) => {
      if (this.loadBroken) return Promise.reject(new Error('no database'));
      this.loads.push([...ids]);
      return Promise.resolve(ids.map((id) => this.orders.get(id) ?? null));
    },
    time: this.time,
  });

  /** Commits a change of one order, and lets the feed renew it unless it is held. */
  commit(before: Order | null, after: Order | null, { renew = true } = {}): void {
    this.history.push({ before, after });
    if (before) this.orders.delete(before.id);
    if (after) this.orders.set(after.id, after);
    if (renew) this.renew();
    for (const wake of this.wakes) wake();
  }

  renew(): void {
    this.renewed = this.history.length;
  }

  /** Lets everything happen that does not wait for time, then time pass in steps. */
  async pass(time = 0): Promise<void> {
    await settle();
    for (let passed = 0; passed < time; passed += Math.max(20, time / 2_000)) {
      this.time.advance(Math.max(20, time / 2_000));
      await settle(8);
    }
    await settle();
  }

  private log(): ChangeLog {
    return {
      read: (since) => {
        if (this.broken) return Promise.reject(new Error('no database'));
        const [from, end] = [Number(since?.split(':')[0] ?? 1) - 1, this.history.length];
        const page = this.history.slice(this.ahead ? Math.max(from, this.shown) : from, end);
        const to = this.ahead ? from : end;
        this.shown = end;
        const pages = (async function* () {
          yield page;
        })();
        return Promise.resolve({ snapshot: snapshotOf(to), shows: () => snapshotOf(end), pages });
      },
    };
  }
}

/** The transactions 1 to `count` have finished. */
const snapshotOf = (count: number): string => `${count + 1}:${count + 1}:`;

async function settle(rounds = 40): Promise<void> {
  for (let round = 0; round < rounds; round += 1) await Promise.resolve();
}

/** All that an iterator gives, as it comes. */
function taken<T>(events: AsyncIterator<T>) {
  const got: T[] = [];
  const state: { got: T[]; error?: unknown; done: boolean } = { got, done: false };
  void (async () => {
    try {
      for (let next = await events.next(); !next.done; next = await events.next()) got.push(next.value);
    } catch (error) {
      state.error = error;
    }
    state.done = true;
  })();
  return state;
}

const order = (some: Partial<Order> = {}): Order => orderOf({ id: idOf(1), version: 1, partnerId: 'partner-a', ...some });

describe('live orders', () => {
  let world: World;
  beforeEach(() => (world = new World()));

  const changes = async (args = {}) => taken(await world.live.of(OPERATOR).orderChanged(args));

  test('are told only when their tokens are renewed', async () => {
    const told = await changes();
    world.commit(null, order(), { renew: false });
    await world.pass(10 * SECOND);
    expect(told.got).toEqual([]);
    expect(world.loads).toEqual([]);
    world.renew();
    await world.pass(20);
    expect(told.got).toEqual([{ orderChanged: order() }]);
  });

  test('are told only then also when a log shows more than its position covers', async () => {
    const told = await changes();
    world.ahead = true;
    world.commit(null, order(), { renew: false });
    await world.pass(10 * SECOND);
    expect(world.loads).toEqual([]);
    world.renew();
    await world.pass(20);
    expect(told.got).toEqual([{ orderChanged: order() }]);
  });

  test('are loaded once for all subscriptions, whatever they ask for', async () => {
    const all = await Promise.all([changes(), changes({ window: 60 }), changes({ status: ['SUBMITTED'] })]);
    world.commit(null, order({ status: 'SUBMITTED', createdAt: world.time.now() }));
    await world.pass(20);
    expect(all.map(({ got }) => got.length)).toEqual([1, 1, 1]);
    expect(world.loads).toEqual([[idOf(1)]]);
  });

  test('nobody listens once nobody wants to be told, and what happened meanwhile is not told later', async () => {
    const events = await world.live.of(OPERATOR).orderChanged({});
    expect(world.wakes.size).toBe(1);
    await events.return!();
    expect(world.wakes.size).toBe(0);
    world.commit(null, order());
    const told = await changes();
    await world.pass(5 * SECOND);
    expect(told.got).toEqual([]);
  });

  test('that changed several times while nobody took them are told once, as they are then', async () => {
    const events = await world.live.of(OPERATOR).orderChanged({});
    for (let version = 1; version <= 5; version += 1) {
      world.commit(version > 1 ? order({ version: version - 1 }) : null, order({ version }));
      await world.pass(20);
    }
    const told = taken(events);
    await world.pass();
    expect(told.got).toEqual([{ orderChanged: order({ version: 5 }) }]);
  });

  test('never go back to an older version', async () => {
    const told = await changes();
    world.commit(null, order({ version: 7 }));
    await world.pass(20);
    world.commit(order({ version: 7 }), order({ version: 6 }));
    await world.pass(20);
    expect(told.got).toEqual([{ orderChanged: order({ version: 7 }) }]);
  });

  test('that are new stay new when they change before they were taken; a change alone is not new', async () => {
    const events = await world.live.of(OPERATOR).newOrders();
    world.commit(null, order());
    await world.pass(20);
    world.commit(order(), order({ version: 2 }));
    await world.pass(20);
    const told = taken(events);
    await world.pass();
    world.commit(order({ version: 2 }), order({ version: 3 }));
    await world.pass(20);
    expect(told.got).toEqual([{ newOrders: order({ version: 2 }) }]);
  });

  test('that were given away are gone for who had them only, also after another owner', async () => {
    const events = await world.live.of(PARTNER).orderRemoved({});
    const other = taken(await world.live.of({ ...PARTNER, partnerId: 'partner-c' }).orderRemoved({}));
    world.commit(order(), order({ partnerId: 'partner-b', version: 2 }));
    await world.pass(20);
    world.commit(order({ partnerId: 'partner-b' }), order({ partnerId: 'partner-c', version: 3 }));
    await world.pass(20);
    const told = taken(events);
    await world.pass();
    expect([told.got, other.got]).toEqual([[{ orderRemoved: idOf(1) }], []]);
  });

  test('move out of a window that moves on with the clock without a word', async () => {
    const told = taken(await world.live.of(OPERATOR).orderRemoved({ window: 1 }));
    const changed = await changes({ window: 1 });
    const now = world.time.now();
    world.commit(null, order({ createdAt: now }));
    await world.pass(20);
    await world.pass(2 * MINUTE);
    world.commit(order({ createdAt: now }), order({ createdAt: now, version: 2 }));
    await world.pass(20);
    expect([told.got, changed.got.length]).toEqual([[], 1]);
  });

  test('after a short outage of the database are told late; after a long one, all are told to start anew', async () => {
    const told = await changes();
    world.broken = true;
    world.commit(null, order());
    await world.pass(MINUTE);
    expect(told).toMatchObject({ got: [], done: false });
    world.broken = false;
    await world.pass(SECOND);
    expect(told.got).toEqual([{ orderChanged: order() }]);
    world.broken = true;
    world.commit(order(), order({ version: 2 }));
    await world.pass(6 * MINUTE);
    expect(told).toMatchObject({ done: true, error: { code: 'SOURCE_UNAVAILABLE' } });
    expect(world.wakes.size).toBe(0);
  });

  test('that cannot be loaded are told when they can', async () => {
    const told = await changes();
    world.loadBroken = true;
    world.commit(null, order());
    await world.pass(5 * SECOND);
    world.loadBroken = false;
    await world.pass(SECOND);
    expect(told.got).toEqual([{ orderChanged: order() }]);
  });

  test('that are too many at once end the subscription', async () => {
    const told = await changes();
    for (let number = 0; number <= 5_000; number += 1) world.commit(null, order({ id: idOf(number) }));
    await world.pass(20);
    expect(told).toMatchObject({
      got: [],
      done: true,
      error: { code: 'SOURCE_UNAVAILABLE', message: expect.stringContaining('at once') },
    });
    expect(world.loads).toEqual([]);
  });

  test('a feed that does not say how far it is refuses subscriptions, after some patience', async () => {
    world.renewed = undefined;
    const refused = expect(world.live.of(OPERATOR).orderChanged({})).rejects.toMatchObject({ code: 'SOURCE_UNAVAILABLE' });
    await world.pass(6 * SECOND);
    await refused;
    expect(world.wakes.size).toBe(0);
    world.renewed = 0;
    const told = await changes();
    world.commit(null, order());
    await world.pass(20);
    expect(told.got.length).toBe(1);
  });

  test.each([
    [{ role: 'anonymous' } as const, {}, 'UNAUTHENTICATED'],
    [{ role: 'service', subject: 's' } as const, {}, 'FORBIDDEN'],
    [OPERATOR, { window: 0 }, 'BAD_USER_INPUT'],
  ])('are refused to %j with %j', async (viewer, args, code) => {
    await expect(world.live.of(viewer).orderChanged(args)).rejects.toMatchObject({ code });
    expect(world.wakes.size).toBe(0);
  });
});
