import type { GatewayProcess } from '../support/gateway.js';

interface Phase {
  /** By `performance.now()` of this process. */
  readonly at: number;
  readonly closed: boolean;
}

/**
 * When the breaker of one gateway process was closed, as `observe.mjs` writes it down. A closed breaker means that every
 * request to the store was answered; so a renewal under a closed breaker has reached the store.
 */
export class BreakerLog {
  private readonly phases: Phase[] = [];
  private read = 0;

  constructor(private readonly gateway: GatewayProcess) {}

  /** Whether it was closed at every moment since `from`. */
  closedSince(from: number): boolean {
    this.catchUp();
    const before = this.phases.findLast(({ at }) => at < from);
    return (before?.closed ?? true) && this.phases.every(({ at, closed }) => at < from || closed);
  }

  private catchUp(): void {
    const text = this.gateway.output();
    const end = text.lastIndexOf('\n') + 1;
    const ahead = Number(process.hrtime.bigint()) / 1e6 - performance.now();
    for (const line of text.slice(this.read, end).split('\n')) {
      if (!line.startsWith('{"breaker"')) continue;
      const { breaker, at } = JSON.parse(line) as { breaker: string; at: number };
      this.phases.push({ at: at - ahead, closed: breaker === 'closed' });
    }
    this.read = end;
  }
}
