import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { Milliseconds } from '../../src/units.js';

/** One change. Moments are of `performance.now()`. */
export interface Commit {
  readonly id: string;
  readonly version: number;
  /** Before the statement was sent: no later than the commit. */
  readonly sentAt: Milliseconds;
  /** After it was acknowledged: no earlier than the commit. Infinite until then. */
  ackedAt: Milliseconds;
}

const UPDATE = `update orders set version = version + 1, updated_at = clock_timestamp(),
  status = case status when 'PACKAGING' then 'MANUFACTURING_STARTED' else 'PACKAGING' end where id = $1`;

/** Another program that changes orders, each by one statement that commits by itself. It knows nothing of the gateway. */
export class OutsideWriter {
  readonly commits: Commit[] = [];
  /** Nobody else changes these orders, all of which are in version 1 at first. */
  readonly versions = new Map<string, number>();
  private next = 0;
  private running: Promise<void> | undefined;
  private stopped = false;

  private constructor(
    private readonly client: pg.Client,
    private readonly ids: readonly string[],
  ) {}

  /** Of the orders `ids`, in turn, so that the changes of one order are far apart. */
  static async open(url: string, ids: readonly string[]): Promise<OutsideWriter> {
    const client = new pg.Client({ connectionString: url, application_name: 'outside writer' });
    await client.connect();
    return new OutsideWriter(client, ids);
  }

  /** The order that the next change is of. */
  get upcoming(): string {
    return this.ids[this.next % this.ids.length]!;
  }

  async change(): Promise<Commit> {
    const id = this.upcoming;
    this.next += 1;
    const commit: Commit = { id, version: (this.versions.get(id) ?? 1) + 1, sentAt: performance.now(), ackedAt: Infinity };
    this.versions.set(id, commit.version);
    this.commits.push(commit);
    await this.client.query(UPDATE, [id]);
    commit.ackedAt = performance.now();
    return commit;
  }

  /** Changes at fixed moments, until `stop`. */
  start(perSecond: number): void {
    this.running = this.run(1_000 / perSecond);
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await this.running;
  }

  async close(): Promise<void> {
    await this.stop();
    await this.client.end();
  }

  private async run(pause: Milliseconds): Promise<void> {
    for (let dueAt = performance.now(); !this.stopped; dueAt += pause) {
      const early = dueAt - performance.now();
      if (early > 0) await sleep(early);
      await this.change();
    }
  }
}
