import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../../../src/embedded/random.js';
import { HOUR } from '../../../src/units.js';
import { BATCH, lookUpOrders, lookUpWindow } from './lookups.js';
import { pickPlace, type Place } from './place.js';
import { isShown, type Subject } from './subject.js';
import { MISSED_AFTER, VISIBLE_BOUND, type FeedWorld } from './world.js';

/** One look after another at what was just committed takes so long at the least, so that looks are full. */
const PAUSE = 15;

/**
 * Reads every order that was changed through every gateway until it is shown; only then it may be changed again. So each change
 * meets entries that hold the version before, and no later change can hide that it was missed.
 */
export class Watcher {
  private readonly waiting: Set<Subject>[];
  private ended = false;

  constructor(private readonly world: FeedWorld) {
    this.waiting = world.places.map(() => new Set());
  }

  get isDone(): boolean {
    return this.waiting.every(({ size }) => size === 0);
  }

  watch(subjects: readonly Subject[]): void {
    for (const waiting of this.waiting) for (const subject of subjects) waiting.add(subject);
  }

  end(): void {
    this.ended = true;
  }

  /** Until `end`. */
  async run(): Promise<void> {
    await Promise.all(this.world.places.map((place) => this.follow(place)));
  }

  private async follow(place: Place): Promise<void> {
    const waiting = this.waiting[place.index]!;
    while (!this.ended) {
      await sleep(PAUSE);
      if (!place.isUp || waiting.size === 0) continue;
      const some = [...waiting].slice(0, BATCH);
      await this.look(place, some);
      // Who is not shown yet queues up again.
      for (const subject of some) if (waiting.delete(subject) && !this.isSettled(place, subject)) waiting.add(subject);
    }
  }

  private async look(place: Place, subjects: readonly Subject[]): Promise<void> {
    const { token, report } = this.world;
    const { name } = place;
    const began = performance.now();
    const versions = await lookUpOrders(
      place,
      token,
      subjects.map(({ id }) => id),
    );
    if (!versions) return;
    report.orderReads += subjects.length;
    subjects.forEach((subject, index) => {
      const seen = versions[index] ?? null;
      if (isShown(subject, seen)) subject.shownBy[place.index] = name;
      else this.complain(name, subject, seen, began - subject.committedAt);
    });
  }

  /** Also when it is given up, so that the check comes to an end. */
  private isSettled(place: Place, subject: Subject): boolean {
    const isMissed = performance.now() - subject.committedAt > MISSED_AFTER && subject.shownBy[place.index] === undefined;
    if (subject.shownBy[place.index] === undefined && !isMissed) return false;
    if (this.waiting.every((waiting) => !waiting.has(subject)) && !isMissed) subject.busy = false;
    return true;
  }

  private complain(name: string, { id, version, gone }: Subject, seen: number | null, age: number): void {
    const { late, missed } = this.world.report;
    const told = `order ${id}: ${gone ? 'deleted' : `version ${version}`} committed, but ${name} shows ${seen ?? 'none'} after ${age.toFixed(0)} ms`;
    if (age > MISSED_AFTER) missed.push(`MISSED: ${told}`);
    else if (age > VISIBLE_BOUND) late.push(`LATE: ${told}`);
  }
}

/** Reads windows all the time, by any gateway, until nothing more is written. */
export async function readWindows(world: FeedWorld, random: Random): Promise<void> {
  while (!world.written.aborted) {
    const place = pickPlace(world.places, random);
    const hour = world.hours[Math.floor(random() * world.hours.length)]!;
    if (place) await compareWindow(world, place, hour, VISIBLE_BOUND);
    await sleep(100);
  }
}

/** Every window through every gateway, when nothing is written any more. */
export async function compareAllWindows(world: FeedWorld): Promise<void> {
  for (const place of world.places) for (const hour of world.hours) await compareWindow(world, place, hour, 0);
}

async function compareWindow(world: FeedWorld, place: Place, hour: number, bound: number): Promise<void> {
  const { report, subjects, token } = world;
  const { name } = place;
  const began = performance.now();
  const due = subjects
    .filter(({ createdAt, committedAt }) => createdAt >= hour && createdAt < hour + HOUR && committedAt + bound < began)
    .map((subject) => ({ subject, version: subject.version, gone: subject.gone }));
  const shown = await lookUpWindow(place, token, hour, 60);
  if (typeof shown === 'string') {
    if (bound === 0) report.missed.push(`MISSED: ${name} does not answer for ${new Date(hour).toISOString()}: ${shown}`);
    return;
  }
  report.windowReads += 1;
  for (const { subject, version, gone } of due) {
    // What has been changed meanwhile may be shown already.
    if (subject.version !== version || subject.gone !== gone || (bound > 0 && subject.busy)) continue;
    const seen = shown.get(subject.id) ?? null;
    if (isShown(subject, seen)) continue;
    const told = `window ${new Date(hour).toISOString()}, order ${subject.id}: version ${version}${gone ? ', deleted' : ''} committed`;
    report.missed.push(
      `MISSED: ${told}, but ${name} shows ${seen ?? 'none'}, ${(began - subject.committedAt).toFixed(0)} ms later`,
    );
  }
}
