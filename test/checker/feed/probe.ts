import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { Random } from '../../../src/embedded/random.js';
import type { Milliseconds } from '../../../src/units.js';
import { isHit, lookUpOrders } from './lookups.js';
import type { Place } from './place.js';
import { isShown, type Subject } from './subject.js';
import { MISSED_AFTER, type FeedWorld } from './world.js';

const LOOK_EACH: Milliseconds = 1;

/** How long single changes take to be visible on all gateways, measured by reading one order again and again. */
export class Probe {
  private constructor(
    private readonly world: FeedWorld,
    private readonly client: pg.Client,
  ) {}

  static async open(world: FeedWorld): Promise<Probe> {
    const client = new pg.Client({ connectionString: world.plant.url });
    await client.connect();
    return new Probe(world, client);
  }

  close(): Promise<void> {
    return this.client.end();
  }

  /** While everything else goes on, until nothing is written any more. */
  async runUnderLoad(random: Random): Promise<void> {
    while (!this.world.written.aborted) {
      await this.measure(random, this.world.report.underLoad);
      await sleep(500);
    }
  }

  /** One change after another, while nothing else happens. */
  async runInCalm(random: Random): Promise<void> {
    for (let left = this.world.options.samples; left > 0; left -= 1) {
      await this.measure(random, this.world.report.calm);
      await sleep(20);
    }
  }

  private async measure(random: Random, times: Milliseconds[]): Promise<void> {
    const { subjects, places, report } = this.world;
    const subject = subjects[Math.floor(random() * subjects.length)]!;
    if (subject.busy || subject.gone) return;
    subject.busy = true;
    const hits = await Promise.all(places.map((place) => isHit(place, this.world.token, subject.id)));
    report.entriesProbed += hits.length;
    report.entriesValid += hits.filter(Boolean).length;
    const names = places.map(({ name }) => name);
    await this.client.query('update orders set version = version + 1, updated_at = clock_timestamp() where id = $1', [
      subject.id,
    ]);
    const committedAt = performance.now();
    Object.assign(subject, { version: subject.version + 1, committedAt });
    report.changes += 1;
    report.transactions += 1;
    if (places.every(({ name, isUp, index }) => isUp && subject.shownBy[index] === name)) report.cachedByAll += 1;
    else report.cachedInStore += 1;
    const shown = await Promise.all(places.map((place) => this.untilShown(place, subject)));
    if (!shown.every(Boolean)) return;
    // What a gateway that was killed meanwhile adds is not the feed's.
    if (places.every(({ name }, index) => name === names[index])) times.push(performance.now() - committedAt);
    for (const { index, name } of places) subject.shownBy[index] = name;
    subject.busy = false;
  }

  private async untilShown(place: Place, subject: Subject): Promise<boolean> {
    const { token, report } = this.world;
    for (;;) {
      const began = performance.now();
      const seen = place.isUp ? await lookUpOrders(place, token, [subject.id]) : undefined;
      if (seen && isShown(subject, seen[0] ?? null)) return true;
      if (seen && began - subject.committedAt > MISSED_AFTER) {
        report.missed.push(
          `MISSED: order ${subject.id}: version ${subject.version} committed, but ${place.name} shows ${seen[0] ?? 'none'}`,
        );
        return false;
      }
      await sleep(seen ? LOOK_EACH : 50);
    }
  }
}
