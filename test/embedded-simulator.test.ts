import { simulateStep, startSimulator, type SimulatorPorts } from '../src/embedded/simulator.js';
import type { NewOrder, OpenOrder } from '../src/embedded/plant-writes.js';
import { seededRandom } from '../src/embedded/random.js';
import { nextStatuses } from '../src/orders/status-flow.js';
import { MINUTE, SECOND, type Milliseconds } from '../src/units.js';

const ID = '00000000-0000-4000-8000-000000000001';

/** Time that stands still; `fire` runs the task that waits, as soon as it has said for how long. */
class ManualTime {
  pauses: Milliseconds[] = [];
  #task: (() => void) | undefined;

  now(): number {
    return 1_000;
  }

  after(delay: Milliseconds, task: () => void): () => void {
    this.pauses.push(delay);
    this.#task = task;
    return () => (this.#task = undefined);
  }

  get waiting(): boolean {
    return this.#task !== undefined;
  }

  async fire(): Promise<void> {
    const task = this.#task;
    this.#task = undefined;
    task?.();
    // Lets the step, which waits for nothing but settled promises, come to its end.
    for (let turn = 0; turn < 50; turn += 1) await Promise.resolve();
  }
}

function ports(overrides: Partial<SimulatorPorts> = {}): SimulatorPorts & { created: NewOrder[]; moves: unknown[][] } {
  const created: NewOrder[] = [];
  const moves: unknown[][] = [];
  const open: OpenOrder[] = [
    { id: ID, status: 'SHIPPED', version: 9 },
    { id: ID, status: 'SUBMITTED', version: 3 },
  ];
  return {
    created,
    moves,
    createOrder: async (order) => created.push(order),
    advanceOrder: async (...move) => moves.push(move),
    pickOpenOrders: async () => open,
    time: new ManualTime(),
    random: seededRandom('simulator'),
    ...overrides,
  };
}

describe('the simulated plant', () => {
  test('makes orders and moves them by one status that is allowed, rarely cancelling', async () => {
    const plant = ports();
    for (let step = 0; step < 400; step += 1) await simulateStep(plant);
    expect(plant.created.length).toBeGreaterThan(100);
    for (const order of plant.created) {
      expect(order.createdAt).toBe(1_000);
      if (order.status === 'INITIATED') expect(order).toMatchObject({ version: 1, filePath: null });
      else expect(order).toMatchObject({ status: 'FILE_UPLOADED', version: 2, filePath: expect.any(String) as string });
    }
    expect(plant.moves).toContainEqual([ID, 'PRICE_CALCULATED', 3]);
    for (const [, status, version] of plant.moves)
      expect(nextStatuses(version === 9 ? 'SHIPPED' : 'SUBMITTED')).toContain(status);
    expect(plant.moves.filter(([, status]) => status === 'CANCELLED').length).toBeLessThan(20);
  });

  test('pauses longer and longer while writes fail, says so once, and recovers', async () => {
    const [lines, time] = [[] as string[], new ManualTime()];
    let broken = true;
    const pickOpenOrders = (): Promise<OpenOrder[]> => (broken ? Promise.reject(new Error('no database')) : Promise.resolve([]));
    const simulator = startSimulator({ ...ports({ time, pickOpenOrders }), random: () => 0.5, log: (line) => lines.push(line) });
    for (let step = 0; step < 7; step += 1) await time.fire();
    expect(time.pauses).toEqual([3, 6, 12, 24, 48, 60, 60, 60].map((seconds) => seconds * SECOND));
    expect(lines).toEqual(['The demo plant pauses: no database']);
    broken = false;
    await time.fire();
    expect(lines).toHaveLength(2);
    expect(time.pauses.at(-1)).toBe(3 * SECOND);
    expect(MINUTE).toBeGreaterThan(time.pauses.at(-1)!);
    await simulator.stop();
    expect(time.waiting).toBe(false);
  });

  test('stop waits for the step in progress, and none follows', async () => {
    const time = new ManualTime();
    let finish = (): void => undefined;
    const pickOpenOrders = (): Promise<OpenOrder[]> => new Promise((resolve) => (finish = () => resolve([])));
    const simulator = startSimulator({ ...ports({ time, pickOpenOrders }), log: () => undefined });
    await time.fire();
    let stopped = false;
    const stopping = simulator.stop().then(() => (stopped = true));
    await Promise.resolve();
    expect(stopped).toBe(false);
    finish();
    await stopping;
    expect(time.waiting).toBe(false);
  });
});
