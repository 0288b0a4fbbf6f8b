import fc from 'fast-check';
import { LoadGate } from '../src/cache/load-gate.js';

const next = () => new Promise(setImmediate);

/** Loads that end when the test says so; `order` is who ran, in the order of their begin. */
function world(maxRunning: number, maxWaiting: number) {
  const gate = new LoadGate('order database', maxRunning, maxWaiting);
  const running: { party: string; end: () => void }[] = [];
  const order: string[] = [];
  const ask = (party: string): Promise<string> =>
    gate
      .run(
        () =>
          new Promise<void>((end) => {
            order.push(party);
            running.push({ party, end });
          }),
        party,
      )
      .then(
        () => 'loaded',
        ({ code }: { code: string }) => code,
      );
  return { gate, ask, running, order };
}

test('one party alone leaves a place to others', async () => {
  const { ask, running } = world(4, 100);
  for (let index = 0; index < 50; index += 1) void ask('greedy');
  await next();
  expect(running.map(({ party }) => party)).toEqual(['greedy', 'greedy', 'greedy']);
  void ask('modest');
  await next();
  expect(running.map(({ party }) => party)).toEqual(['greedy', 'greedy', 'greedy', 'modest']);
});

test('those that wait take turns, whatever each has waiting', async () => {
  const { ask, running, order } = world(2, 100);
  for (let index = 0; index < 20; index += 1) void ask('greedy');
  for (const party of ['a', 'b', 'c', 'a']) void ask(party);
  for (let index = 0; index < 10; index += 1) {
    await next();
    running.shift()?.end();
  }
  expect(order.slice(0, 8).sort()).toEqual(['a', 'a', 'b', 'c', 'greedy', 'greedy', 'greedy', 'greedy']);
});

test('when no more may wait, whoever has most waiting loses the last, and not who comes', async () => {
  const { ask } = world(1, 3);
  const greedy = [1, 2, 3, 4].map(() => ask('greedy'));
  expect(await ask('greedy')).toBe('SOURCE_UNAVAILABLE');
  const modest = ask('modest');
  expect(await greedy[3]).toBe('SOURCE_UNAVAILABLE');
  const pending = await Promise.race([modest, Promise.resolve('waits')]);
  expect(pending).toBe('waits');
  expect(await Promise.race([ask('modest'), next().then(() => 'waits')])).toBe('SOURCE_UNAVAILABLE');
});

test('nothing is lost, nothing is left behind, and the bounds hold, whoever asks, ends and gives up when', async () => {
  const act = fc.oneof(
    { weight: 3, arbitrary: fc.record({ ask: fc.constantFrom('a', 'b', 'c', 'd'), givesUp: fc.boolean() }) },
    { weight: 2, arbitrary: fc.record({ end: fc.nat() }) },
    { weight: 1, arbitrary: fc.record({ abort: fc.nat() }) },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(act, { maxLength: 60 }), fc.integer({ min: 1, max: 4 }), fc.nat(6), async (acts, most, queue) => {
      const gate = new LoadGate('order database', most, queue);
      const running: (() => void)[] = [];
      const aborts: AbortController[] = [];
      const answers: Promise<string>[] = [];
      for (const each of acts) {
        if ('ask' in each) {
          const controller = new AbortController();
          if (each.givesUp) aborts.push(controller);
          const load = () => new Promise<string>((end) => running.push(() => end('loaded')));
          answers.push(gate.run(load, each.ask, controller.signal).catch(() => 'refused'));
        } else if ('end' in each) running.splice(each.end % Math.max(1, running.length), 1)[0]?.();
        else aborts.splice(each.abort % Math.max(1, aborts.length), 1)[0]?.abort();
        await next();
        expect(running.length).toBeLessThanOrEqual(most);
      }
      for (let round = 0; round < 100 && running.length > 0; round += 1) {
        running.shift()?.();
        await next();
      }
      expect(await Promise.all(answers)).toHaveLength(answers.length);
      expect(gate).toMatchObject({ running: 0, waiting: 0, parties: new Map() });
    }),
    { numRuns: 200 },
  );
});
