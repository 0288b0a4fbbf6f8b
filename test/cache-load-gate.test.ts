import { LoadGate } from '../src/cache/load-gate.js';

/** Loads that end when the test says so. */
function manual() {
  const running: (() => void)[] = [];
  const load = () => new Promise<string>((resolve) => running.push(() => resolve('loaded')));
  return { running, load };
}

test('so many run, so many wait in turn, and more are refused', async () => {
  const gate = new LoadGate('order database', 2, 1);
  const { running, load } = manual();
  const first = [gate.run(load), gate.run(load), gate.run(load)];
  await new Promise(setImmediate);
  expect(running).toHaveLength(2);
  await expect(gate.run(load)).rejects.toMatchObject({
    code: 'SOURCE_UNAVAILABLE',
    message: 'The order database has too much to do at the moment; try again shortly.',
  });
  running[0]?.();
  await first[0];
  await new Promise(setImmediate);
  expect(running).toHaveLength(3);
  running[1]?.();
  running[2]?.();
  expect(await Promise.all(first)).toEqual(['loaded', 'loaded', 'loaded']);
});

test('a load that fails gives its place to the next', async () => {
  const gate = new LoadGate('order database', 1, 10);
  const failing = gate.run(() => Promise.reject(new Error('no answer')));
  const next = gate.run(() => Promise.resolve('loaded'));
  await expect(failing).rejects.toThrow('no answer');
  expect(await next).toBe('loaded');
  expect(await gate.run(() => Promise.resolve('again'))).toBe('again');
});
