import type { Random } from '../../src/embedded/random.js';
import { DATABASE_AFTERMATH } from './bounds.js';
import { post, type Answer, type NoAnswer } from './http-client.js';
import type { Instance } from './instance.js';
import { judge } from './judge.js';
import { planAny, type Plan } from './plan.js';
import type { Fate } from './report.js';
import { rest } from './rest.js';
import { pickUp, type World } from './world.js';

/** Reads without a pause until the check is over. */
export async function runReader(world: World, random: Random): Promise<void> {
  while (!world.over.aborted) {
    const instance = pickUp(world, random);
    if (instance) await read(world, instance, planAny(world.book, random));
    else await rest(20, world.over);
  }
}

/** One read, checked. A read may fail only for a reason that the check has given. */
export async function read(world: World, instance: Instance, plan: Plan): Promise<void> {
  const { report, token, faults } = world;
  const { name, breaker } = instance;
  const during = new Set(faults);
  const began = performance.now();
  const answer = await post(instance.process.port, token, plan.query);
  const took = performance.now() - began;
  for (const fault of faults) during.add(fault);
  if (answer.status !== 200 || answer.errors) {
    const excuse = excuseFor(instance, answer, began);
    if (excuse) return report.asked(during, excuse, took);
    const failure = `${name} must answer, but: ${describeFailure(answer)} after ${took.toFixed(0)} ms`;
    return report.violation(`VIOLATION: ${failure}`, `  ${plan.query.slice(0, 300)}`);
  }
  report.asked(during, 'answered', took);
  for (const counts of Object.values(answer.extensions?.cache?.outcomes ?? {})) {
    for (const [outcome, count] of Object.entries(counts)) report.outcome(outcome, count);
  }
  judge({ instance, name, breaker, began, plan, answer }, report);
}

/** Why a request had to fail: its process was killed, or its database was away, and it was told so. `undefined`: for no reason. */
export function excuseFor(instance: Instance, answer: Answer | NoAnswer, began: number): Exclude<Fate, 'answered'> | undefined {
  const now = performance.now();
  if (answer.status === 'none') return instance.down.touches(began, now) ? 'killed' : undefined;
  const isTold = answer.errors?.every(({ extensions }) => extensions?.code === 'SOURCE_UNAVAILABLE') ?? false;
  const isAway = instance.databaseTrouble.touches(began, now, DATABASE_AFTERMATH);
  return isTold && answer.status < 500 && isAway ? 'database' : undefined;
}

export function describeFailure(answer: Answer | NoAnswer): string {
  if (answer.status === 'none') return answer.reason;
  const errors = answer.errors?.map(({ message, extensions }) => `${extensions?.code ?? '?'} ${message}`) ?? [];
  return `status ${answer.status}: ${errors.slice(0, 2).join('; ')}`;
}
