import type { OrderStatus } from '../orders/order.js';
import { nextStatuses } from '../orders/status-flow.js';
import type { Time } from '../time.js';
import { MINUTE, SECOND, type Milliseconds } from '../units.js';
import { draftOrder } from './plant-catalog.js';
import type { NewOrder, OpenOrder } from './plant-writes.js';
import { between, type Random } from './random.js';

/** What the simulated staff and customers can do. */
export interface SimulatorPorts {
  createOrder(order: NewOrder): Promise<unknown>;
  /** Nothing happens when someone else was faster. */
  advanceOrder(id: string, status: OrderStatus, expectedVersion: number): Promise<unknown>;
  pickOpenOrders(limit: number): Promise<readonly OpenOrder[]>;
  readonly time: Time;
  readonly random: Random;
}

export interface SimulatorOptions extends SimulatorPorts {
  readonly log: (line: string) => void;
  readonly interval?: Milliseconds;
}

export interface Simulator {
  /** Waits for the step in progress; none begins afterwards. */
  stop(): Promise<void>;
}

const INTERVAL: Milliseconds = 3 * SECOND;
const LONGEST_PAUSE: Milliseconds = MINUTE;
const NEW_ORDER_CHANCE = 0.5;
const CANCEL_CHANCE = 0.005;
const MOST_MOVES = 6;

/**
 * Keeps the demo plant alive: a step every three seconds, about. Errors never get out; while steps fail, the pause doubles up
 * to a minute, and the first failure and the recovery are logged.
 */
export function startSimulator({ log, interval = INTERVAL, ...ports }: SimulatorOptions): Simulator {
  let failures = 0;
  let stopped = false;
  let cancel = (): void => undefined;
  let inProgress: Promise<void> = Promise.resolve();

  const schedule = (): void => {
    if (stopped) return;
    const pause = Math.min(interval * 2 ** failures, Math.max(interval, LONGEST_PAUSE));
    cancel = ports.time.after(pause * (0.7 + 0.6 * ports.random()), () => {
      inProgress = run();
    });
  };
  const run = async (): Promise<void> => {
    try {
      await simulateStep(ports);
      if (failures > 0) log('The demo plant works again.');
      failures = 0;
    } catch (error) {
      if (failures === 0) log(`The demo plant pauses: ${error instanceof Error ? error.message : String(error)}`);
      failures += 1;
    }
    schedule();
  };
  schedule();
  return {
    stop: async () => {
      stopped = true;
      cancel();
      await inProgress;
    },
  };
}

/**
 * One step: perhaps a new order, and a few open orders moved on by one status, or rarely cancelled.
 *
 * @throws whatever a port throws
 */
export async function simulateStep(ports: SimulatorPorts): Promise<void> {
  const { random } = ports;
  if (random() < NEW_ORDER_CHANCE) await ports.createOrder(newOrder(ports));
  for (const { id, status, version } of await ports.pickOpenOrders(between(random, 1, MOST_MOVES))) {
    const possible = nextStatuses(status);
    const next = random() < CANCEL_CHANCE ? possible.at(-1) : possible[0];
    if (next === undefined) continue;
    await ports.advanceOrder(id, next, version);
  }
}

/** Most customers send the model along with the order; it then is one step ahead. */
function newOrder({ random, time }: SimulatorPorts): NewOrder {
  const { model, ...draft } = draftOrder(random);
  const now = time.now();
  const uploaded = model !== null && random() < 0.8;
  return {
    ...draft,
    status: uploaded ? 'FILE_UPLOADED' : 'INITIATED',
    createdAt: now,
    updatedAt: now,
    version: uploaded ? 2 : 1,
    filePath: uploaded ? model : null,
  };
}
