import { metric } from '../support/race.js';
import { rest } from '../checker/rest.js';
import type { Version } from './history.js';
import type { Instance } from './instance.js';
import type { World } from './world.js';

interface Watched {
  readonly instance: Instance;
  readonly version: Version;
}

/**
 * Finds out when renewals that may be pending have reached Redis: a gateway that has nothing pending has renewed all
 * that it acknowledged before it was asked. What a killed gateway had pending never will be.
 */
export class Settler {
  private watched: readonly Watched[] = [];

  constructor(private readonly world: World) {}

  watch(instance: Instance, version: Version): void {
    this.watched = [...this.watched, { instance, version }];
  }

  async run(): Promise<void> {
    while (!this.world.over.aborted) {
      await Promise.all(this.world.instances.map((instance) => this.ask(instance)));
      await rest(50, this.world.over);
    }
  }

  private async ask(instance: Instance): Promise<void> {
    this.watched = this.watched.filter((each) => each.instance.name === each.version.by);
    if (!instance.isUp || !this.watched.some((each) => each.instance === instance)) return;
    const { name } = instance;
    const asked = performance.now();
    const pending = await metric(instance.process, 'mes_pending_renewals').catch(() => NaN);
    if (pending !== 0 || instance.name !== name) return;
    const now = performance.now();
    const settled = this.watched.filter((each) => each.instance === instance && each.version.acknowledgedAt < asked);
    for (const { version } of settled) version.renewedAt = now;
    this.watched = this.watched.filter((each) => !settled.includes(each));
  }
}
