import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { SECOND } from '../../src/units.js';
import { note, type Tally } from './tally.js';

export interface EagerPlan {
  readonly tally: Tally;
  readonly port: number;
  readonly address: string;
  readonly lanes: number;
  readonly token?: () => string;
  readonly body: () => string;
}

/** Sends one operation after another, as fast as they are answered. */
export function attackEagerly(plan: EagerPlan): void {
  const agent = new Agent({ keepAlive: true, maxSockets: plan.lanes, localAddress: plan.address });
  for (let lane = 0; lane < plan.lanes; lane += 1) void again(plan, agent);
}

async function again(plan: EagerPlan, agent: Agent): Promise<never> {
  for (;;) {
    const what = await ask(plan, agent);
    note(plan.tally, what);
    // A closed door is not tried more often than a program could find sense in.
    if (what === 'closed') await sleep(10);
  }
}

function ask({ port, body, token }: EagerPlan, agent: Agent): Promise<string> {
  const text = body();
  const headers = {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    ...(token && { authorization: `Bearer ${token()}` }),
  };
  return new Promise((resolve) => {
    const sent = request({ agent, host: '127.0.0.1', port, path: '/graphql', method: 'POST', headers }, (answer) => {
      answer.once('end', () => resolve(String(answer.statusCode)));
      answer.once('error', () => resolve('closed'));
      answer.resume();
    });
    sent.setTimeout(30 * SECOND, () => sent.destroy());
    sent.once('error', () => resolve('closed'));
    sent.end(text);
  });
}
