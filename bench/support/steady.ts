import { setTimeout as sleep } from 'node:timers/promises';
import type { Milliseconds } from '../../src/units.js';
import { HttpConnection, type HttpAnswer } from './connection.js';
import type { Shot } from './load.js';

/** What became of one shot. Moments are of `performance.now()`. */
export interface Hit {
  readonly dueAt: Milliseconds;
  readonly endedAt: Milliseconds;
  /** Since it was due, so waiting for a free connection counts. */
  readonly latency: Milliseconds;
  /** `undefined`: the connection broke. */
  readonly answer: HttpAnswer | undefined;
  readonly shot: Shot;
}

/** Load at a fixed rate, whatever the answers take: shots are due at fixed moments. Runs until `stop`. */
export class SteadyLoad {
  private readonly idle: HttpConnection[] = [];
  private readonly underWay = new Set<Promise<void>>();
  private stopped = false;
  private readonly running: Promise<void>;

  constructor(
    private readonly port: number,
    private readonly perSecond: number,
    private readonly next: () => Shot,
    private readonly onHit: (hit: Hit) => void,
  ) {
    this.running = this.run();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await this.running;
    await Promise.all(this.underWay);
    for (const connection of this.idle) connection.close();
  }

  private async run(): Promise<void> {
    const pause = 1_000 / this.perSecond;
    for (let dueAt = performance.now(); !this.stopped; dueAt += pause) {
      const early = dueAt - performance.now();
      if (early > 1) await sleep(early);
      const one = this.fire(this.next(), dueAt).finally(() => this.underWay.delete(one));
      this.underWay.add(one);
    }
  }

  private takeIdle(): HttpConnection | undefined {
    for (let one = this.idle.pop(); one; one = this.idle.pop()) if (one.isOpen) return one;
    return undefined;
  }

  private async fire(shot: Shot, dueAt: Milliseconds): Promise<void> {
    let answer: HttpAnswer | undefined;
    let connection: HttpConnection | undefined;
    const sentAt = performance.now();
    try {
      connection = this.takeIdle() ?? (await HttpConnection.open(this.port));
      answer = await connection.send(shot.request);
      this.idle.push(connection);
    } catch {
      connection?.close();
    }
    const endedAt = performance.now();
    if (answer?.status === 200) shot.check?.(answer, sentAt);
    this.onHit({ dueAt, endedAt, latency: endedAt - dueAt, answer, shot });
  }
}
