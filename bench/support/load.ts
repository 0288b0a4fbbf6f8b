import type { Milliseconds, Seconds } from '../../src/units.js';
import { HttpConnection, type HttpAnswer } from './connection.js';

/** One request, and what is to be done with its answer. */
export interface Shot {
  readonly request: Buffer;
  /** Gets the moment at which the request was sent, by `performance.now()`. @throws when the answer is wrong */
  readonly check?: (answer: HttpAnswer, sentAt: Milliseconds) => void;
}

export interface LoadResult {
  readonly requests: number;
  readonly seconds: Seconds;
  readonly failures: number;
  /** Sorted. */
  readonly latencies: readonly Milliseconds[];
}

/** GraphQL answers 200 with errors in it, too. */
export function isFailure({ status, body }: HttpAnswer): boolean {
  return status !== 200 || body.includes('"errors":[');
}

/** As many requests as `connections` take one after another, for `duration`. */
export async function closedLoop(
  port: number,
  connections: number,
  duration: Milliseconds,
  next: () => Shot,
): Promise<LoadResult> {
  const open = await openConnections([port], connections);
  const latencies: Milliseconds[] = [];
  let failures = 0;
  const began = performance.now();
  const end = began + duration;
  const worker = async (connection: HttpConnection): Promise<void> => {
    for (let sentAt = performance.now(); sentAt < end; sentAt = performance.now()) {
      const { request, check } = next();
      const answer = await connection.send(request);
      latencies.push(performance.now() - sentAt);
      if (isFailure(answer)) failures += 1;
      check?.(answer, sentAt);
    }
  };
  await Promise.all(open.map(worker));
  const seconds = (performance.now() - began) / 1_000;
  for (const connection of open) connection.close();
  return { requests: latencies.length, seconds, failures, latencies: latencies.sort((a, b) => a - b) };
}

/** `count` requests at the same moment, each on a connection of its own, spread over `ports`. Gives the time to the last answer. */
export async function burst(
  ports: readonly number[],
  count: number,
  request: Buffer,
): Promise<{ time: Milliseconds; bodies: Set<string> }> {
  const open = await openConnections(ports, count);
  const began = performance.now();
  const answers = await Promise.all(open.map((connection) => connection.send(request)));
  const time = performance.now() - began;
  for (const connection of open) connection.close();
  return {
    time,
    bodies: new Set(answers.map(({ body }) => JSON.stringify((JSON.parse(body.toString()) as { data: unknown }).data))),
  };
}

async function openConnections(ports: readonly number[], count: number): Promise<HttpConnection[]> {
  const open: HttpConnection[] = [];
  // Some at a time: a listener's queue is short.
  while (open.length < count) {
    const some = Math.min(50, count - open.length);
    open.push(
      ...(await Promise.all(
        Array.from({ length: some }, (_, index) => HttpConnection.open(ports[(open.length + index) % ports.length]!)),
      )),
    );
  }
  return open;
}
