import { RENEWAL_PATIENCE } from './bounds.js';
import type { Instance } from './instance.js';
import { PendingRenewals } from './pending.js';
import type { World } from './world.js';

/** Pending renewals, which must be made soon after the way to Redis is free again. */
export class Settler extends PendingRenewals<Instance> {
  constructor(private readonly world: World) {
    super(world);
  }

  protected override looked(): void {
    const now = performance.now();
    const late = this.watched.filter(
      ({ instance, at }) =>
        now - at > RENEWAL_PATIENCE && instance.isUp && !instance.storeTrouble.touches(now - RENEWAL_PATIENCE, now),
    );
    for (const { instance } of late) this.world.report.violation(`VIOLATION: ${instance.name} does not retry a pending renewal`);
    this.watched = this.watched.filter((each) => !late.includes(each));
  }
}
