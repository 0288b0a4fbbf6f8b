import { HALF_LIFE, evictionOrder, scoreAfterUse, type KeptFile } from '../src/files/disk/score.js';
import { Uses } from '../src/files/disk/uses.js';
import { MINUTE } from '../src/units.js';

const SEED = Number(process.env['SEED'] ?? 20_251);
const FILES = 1_000;
const ROOM = 100;

function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

type Order = (files: readonly KeptFile[]) => KeptFile[];
const lrfu: Order = (files) => evictionOrder(files, ROOM / 10);
const lru: Order = (files) => [...files].sort((a, b) => a.score - b.score);

/** Files of size 1, asked for by zipf's law once a minute; a sweep asks for each file once, ten times as fast. */
function play(order: Order, remembers = true): { before: number; after: number; hotLost: number } {
  const next = random(SEED);
  const weights = Array.from({ length: FILES }, (_, rank) => 1 / (rank + 1));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const kept = new Map<string, KeptFile>();
  const uses = new Uses();
  let now = 0;
  const ask = (id: string): boolean => {
    const file = kept.get(id);
    const before = file?.score ?? -Infinity;
    const score = (remembers ? uses.count(id, before, now) : scoreAfterUse(before, now)) ?? before;
    kept.set(id, { id, bytes: 1, score: order === lru ? now : score, born: file?.born ?? now });
    if (kept.size > ROOM) for (const each of order([...kept.values()]).slice(0, ROOM / 8)) kept.delete(each.id);
    return file !== undefined;
  };
  const zipf = (): string => {
    let left = next() * total;
    return String(weights.findIndex((weight) => (left -= weight) < 0));
  };
  const ratio = (requests: number): number => {
    let hits = 0;
    for (let request = 0; request < requests; request += 1, now += MINUTE) hits += Number(ask(zipf()));
    return hits / requests;
  };
  ratio(5_000);
  const before = ratio(1_000);
  for (let file = FILES - 1; file >= 0; file -= 1, now += MINUTE / 10) if (file >= 20) ask(String(file));
  const hotLost = Array.from({ length: 20 }, (_, rank) => String(rank)).filter((id) => !kept.has(id)).length;
  return { before, after: ratio(100), hotLost };
}

test(`a sweep over all files leaves the hot ones; LRU would lose them all (SEED=${SEED})`, () => {
  const recent = play(lru);
  const ours = play(lrfu);
  const forgetful = play(lrfu, false);
  console.log({ seed: SEED, lru: recent, ours, forgetful });
  expect(recent.hotLost).toBe(20);
  expect(ours.hotLost).toBeLessThanOrEqual(2);
  expect(ours.after).toBeGreaterThan(recent.after);
  expect(ours.before).toBeGreaterThan(recent.before);
  expect(ours.before).toBeGreaterThan(forgetful.before);
});

test('a file that comes again after its eviction goes on with its score; uses within a second are one', () => {
  const uses = new Uses();
  const first = uses.count('a', -Infinity, 1_000) ?? 0;
  expect(uses.count('a', first, 1_999)).toBeUndefined();
  const second = uses.count('a', first, 2_000) ?? 0;
  expect(second).toBe(scoreAfterUse(first, 2_000));
  expect(uses.count('a', -Infinity, 2_500)).toBe(second);
  expect(uses.count('a', -Infinity, 3_000)).toBe(scoreAfterUse(second, 3_000));
});

test('the score is the time at which one use would be worth as much', () => {
  expect(scoreAfterUse(-Infinity, 1_000)).toBe(1_000);
  expect(scoreAfterUse(1_000, 1_000)).toBe(1_000 + HALF_LIFE);
  expect(scoreAfterUse(0, 10_000 * HALF_LIFE)).toBe(10_000 * HALF_LIFE);
});
