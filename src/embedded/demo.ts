import path from 'node:path';
import { migrate } from '../sources/migrations/migrate.js';
import { systemTime } from '../time.js';
import type { Clock } from '../units.js';
import { openPlantWrites } from './plant-writes.js';
import { startEmbeddedPostgres } from './postgres.js';
import { ensureSampleFiles } from './sample-files.js';
import { seedPlant } from './seed.js';
import { startSimulator } from './simulator.js';

type Log = (line: string) => void;

export interface DemoDatabase {
  readonly url: string;
  /** Whether this process started the server; the demo plant is kept alive by one process only. */
  readonly owned: boolean;
  stop(): Promise<void>;
}

/** A Postgres of our own with a demo plant in it, up to date. First start: some seconds. */
export async function startDemoDatabase(dataDir: string, timeZone: string, clock: Clock, log: Log): Promise<DemoDatabase> {
  const postgres = await startEmbeddedPostgres({ dataDir, log });
  try {
    await migrate({ url: postgres.url, log: () => undefined });
    await seedPlant({ url: postgres.url, log, clock, timeZone });
    return postgres;
  } catch (error) {
    await postgres.stop();
    throw error;
  }
}

/** The folder of sample models, made if it is missing. */
export async function prepareSampleFiles(dataDir: string, log: Log): Promise<string> {
  const root = path.join(dataDir, 'files');
  await ensureSampleFiles(root, log);
  return root;
}

/** Lets orders come in and move on. It writes as any other program would, and tells the gateway nothing. */
export function startDemoPlant(url: string, log: Log): { stop(): Promise<void> } {
  const writes = openPlantWrites(url);
  const simulator = startSimulator({
    createOrder: (order) => writes.insertOrder(order),
    advanceOrder: (id, status, expectedVersion) => writes.advanceOrder(id, status, expectedVersion),
    pickOpenOrders: (limit) => writes.pickOpenOrders(limit),
    time: systemTime,
    random: Math.random,
    log,
  });
  return {
    stop: async () => {
      await simulator.stop();
      await writes.close();
    },
  };
}
