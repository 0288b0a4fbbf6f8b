import { Agent, request } from 'node:http';
import type { EpochMilliseconds, Milliseconds } from '../../src/units.js';
import { DAY, SECOND } from '../../src/units.js';
import { tokenFor } from '../../test/support/tokens.js';
import { manyWindowsBody } from '../support/operations.js';

/** Of one operator, who has a token and an address of its own. */
interface Desk {
  readonly token: string;
  readonly agent: Agent;
}

/** Operators, each with a dashboard of 24 one-hour windows that asks once a second, whatever the answers take. */
export class Operators {
  /** From the moment when the request was due, for those that were answered. */
  latencies: Milliseconds[] = [];
  failures = 0;
  private readonly timers: NodeJS.Timeout[] = [];

  private constructor(
    private readonly port: number,
    private readonly body: string,
    private readonly desks: readonly Desk[],
  ) {}

  static async open(port: number, hours: readonly EpochMilliseconds[], count: number): Promise<Operators> {
    const desks = Array.from({ length: count }, async (_, index) => ({
      token: await tokenFor({ role: 'operator', sub: `operator-${index}` }, { expiresIn: DAY }),
      agent: new Agent({ keepAlive: true, localAddress: `127.0.1.${index + 1}` }),
    }));
    return new Operators(port, JSON.stringify(manyWindowsBody(hours)), await Promise.all(desks));
  }

  start(): void {
    for (const [index, desk] of this.desks.entries()) {
      const begin = () => this.timers.push(setInterval(() => this.ask(desk), SECOND));
      this.timers.push(setTimeout(begin, (index * SECOND) / this.desks.length));
    }
  }

  stop(): void {
    for (const timer of this.timers) clearInterval(timer);
    for (const { agent } of this.desks) agent.destroy();
  }

  /** Forgets what was measured so far. */
  reset(): void {
    this.latencies = [];
    this.failures = 0;
  }

  private ask({ token, agent }: Desk): void {
    const due = performance.now();
    const headers = {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(this.body),
    };
    const fail = (): void => void (this.failures += 1);
    const sent = request({ agent, host: '127.0.0.1', port: this.port, path: '/graphql', method: 'POST', headers }, (answer) => {
      answer.once('error', fail);
      answer.once('end', () => {
        if (answer.statusCode === 200) this.latencies.push(performance.now() - due);
        else fail();
      });
      answer.resume();
    });
    sent.setTimeout(30 * SECOND, () => sent.destroy(new Error('no answer')));
    sent.once('error', fail);
    sent.end(this.body);
  }
}
