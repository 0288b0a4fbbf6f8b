import { seededRandom } from '../../src/embedded/random.js';
import type { Contestant } from './contestants.js';
import type { Shot } from './load.js';
import { zipf } from './numbers.js';
import { manyWindowsRequest, windowRequest } from './operations.js';
import type { Plan } from './plant.js';
import type { Writer } from './writer.js';

export interface Scenario {
  readonly name: string;
  /** Whether orders are changed; then answers are checked for staleness. */
  readonly changes: boolean;
  /** The sequence of requests of one round: the same for all contestants. */
  shots(writer: Writer, seed: string): () => Shot;
}

const MUTATIONS = 0.02;

export function makeScenarios(plan: Plan, token: string): Scenario[] {
  const hot: Shot = { request: windowRequest(plan.hot, token) };
  const day: Shot = { request: manyWindowsRequest(plan.day, token) };
  const week = plan.week.map((hour) => windowRequest(hour, token));
  return [
    { name: 'hot window', changes: false, shots: () => () => hot },
    {
      name: 'zipf over a week',
      changes: false,
      shots: (_writer, seed) => {
        const pick = zipf(week.length, seededRandom(seed));
        return () => ({ request: week[pick()]! });
      },
    },
    { name: 'day view, 24 windows', changes: false, shots: () => () => day },
    {
      name: 'zipf with 2 % mutations',
      changes: true,
      shots: (writer, seed) => {
        const random = seededRandom(seed);
        const pick = zipf(week.length, random);
        return () => {
          const isMutation = random() < MUTATIONS;
          const index = pick();
          const hour = plan.week[index]!;
          return (isMutation ? writer.mutation(hour) : undefined) ?? writer.read(hour, week[index]);
        };
      },
    },
  ];
}

/** Takes part in a scenario unless what it answers could not change. */
export function takesPart(contestant: Contestant, { changes }: Scenario): boolean {
  return !changes || contestant.takesMutations;
}
