import type { GatewayProcess } from '../support/gateway.js';
import { metric } from '../support/race.js';
import { rest } from './rest.js';

/** A gateway under check, which may be killed and started again. */
export interface Asked {
  /** Of this incarnation. */
  readonly name: string;
  readonly isUp: boolean;
  readonly process: GatewayProcess;
}

/** A change whose renewal may not have reached the store yet. */
export interface Pending<I extends Asked> {
  readonly instance: I;
  /** The incarnation that acknowledged it, and when. */
  readonly by: string | undefined;
  readonly at: number;
  /** Takes from when on its renewal is known to have reached the store. */
  readonly settle: (now: number) => void;
}

/**
 * Finds out when renewals that may be pending have reached the store: a gateway that has nothing pending has renewed all
 * that it acknowledged before it was asked. What a killed gateway had pending never will be.
 */
export class PendingRenewals<I extends Asked> {
  protected watched: readonly Pending<I>[] = [];

  constructor(private readonly checked: { readonly instances: readonly I[]; readonly over: AbortSignal }) {}

  watch(pending: Pending<I>): void {
    this.watched = [...this.watched, pending];
  }

  async run(): Promise<void> {
    const { instances, over } = this.checked;
    while (!over.aborted) {
      await Promise.all(instances.map((instance) => this.ask(instance)));
      this.looked();
      await rest(50, over);
    }
  }

  /** Called after all gateways were asked. */
  protected looked(): void {}

  private async ask(instance: I): Promise<void> {
    this.watched = this.watched.filter((each) => each.instance.name === each.by);
    if (!instance.isUp || !this.watched.some((each) => each.instance === instance)) return;
    const { name } = instance;
    const asked = performance.now();
    const pending = await metric(instance.process, 'mes_pending_renewals').catch(() => NaN);
    if (pending !== 0 || instance.name !== name) return;
    const now = performance.now();
    const settled = this.watched.filter((each) => each.instance === instance && each.at < asked);
    for (const { settle } of settled) settle(now);
    this.watched = this.watched.filter((each) => !settled.includes(each));
  }
}
