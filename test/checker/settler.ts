import { metric } from '../support/race.js';
import { RENEWAL_PATIENCE } from './bounds.js';
import type { Change } from './history.js';
import type { Instance } from './instance.js';
import { rest } from './rest.js';
import type { World } from './world.js';

interface Watched {
  readonly instance: Instance;
  readonly change: Change;
}

/**
 * Finds out when renewals that may be pending have reached the store: a gateway that has nothing pending has renewed all
 * that it acknowledged before it was asked. What a killed gateway had pending never will be.
 */
export class Settler {
  private watched: readonly Watched[] = [];

  constructor(private readonly world: World) {}

  watch(instance: Instance, change: Change): void {
    this.watched = [...this.watched, { instance, change }];
  }

  async run(): Promise<void> {
    while (!this.world.over.aborted) {
      await Promise.all(this.world.instances.map((instance) => this.ask(instance)));
      this.complain();
      await rest(50, this.world.over);
    }
  }

  private async ask(instance: Instance): Promise<void> {
    this.watched = this.watched.filter(({ instance: { name }, change }) => name === change.by);
    if (!instance.isUp || !this.watched.some((each) => each.instance === instance)) return;
    const { name } = instance;
    const asked = performance.now();
    const pending = await metric(instance.process, 'mes_pending_renewals').catch(() => NaN);
    if (pending !== 0 || instance.name !== name) return;
    const now = performance.now();
    const settled = this.watched.filter((each) => each.instance === instance && each.change.at < asked);
    for (const { change } of settled) change.renewedAt = now;
    this.watched = this.watched.filter((each) => !settled.includes(each));
  }

  /** A renewal must be made soon after the way to Redis is free again. */
  private complain(): void {
    const now = performance.now();
    const late = this.watched.filter(
      ({ instance, change }) =>
        now - change.at > RENEWAL_PATIENCE && instance.isUp && !instance.storeTrouble.touches(now - RENEWAL_PATIENCE, now),
    );
    for (const { instance } of late) this.world.report.violation(`VIOLATION: ${instance.name} does not retry a pending renewal`);
    this.watched = this.watched.filter((each) => !late.includes(each));
  }
}
