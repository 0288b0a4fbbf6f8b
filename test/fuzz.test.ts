import { fuzz, probeOf } from './fuzz/run.js';
import { parseFuzzOptions } from './fuzz/options.js';
import { fuzzWorld, type FuzzWorld } from './fuzz/world.js';
import { describeWith } from './support/servers/shared.js';

/** A short run of `npm run fuzz`. */
describeWith('postgres')('random and mutated requests', () => {
  let world: FuzzWorld;
  beforeAll(async () => {
    world = await fuzzWorld();
  });
  afterAll(() => world.close());

  test('neither end the gateway nor find a fault of it', async () => {
    const options = parseFuzzOptions(['--requests', '2000', '--lanes', '16']);
    const { problems, sent } = await fuzz(world, options);
    if (problems.length > 0) throw new Error(`seed ${options.seed}: ${problems.join('\n')}`);
    expect(sent).toBeGreaterThanOrEqual(2_000);
  });

  test('the same seed makes the same requests', () => {
    const made = (seed: string) => Array.from({ length: 50 }, (_, number) => probeOf(seed, number, world.ground));
    expect(made('7')).toEqual(made('7'));
    expect(made('7')).not.toEqual(made('8'));
  });
});

describe('the command line of the fuzzer', () => {
  test('has defaults, and may name the first request', () => {
    expect(parseFuzzOptions([])).toEqual({ requests: 100_000, lanes: 32, only: undefined, seed: expect.stringMatching(/^\d+$/) });
    expect(parseFuzzOptions(['--seed', '7', '--only', '0'])).toMatchObject({ seed: '7', only: 0 });
  });

  test.each([
    { words: ['--only', 'first'], says: '--only must be a whole number from 0 on, but got: first' },
    { words: ['--only='], says: '--only must be a whole number from 0 on, but got: ' },
    { words: ['--lanes', '0'], says: '--lanes must be a whole number above 0, but got: 0' },
    { words: ['--unknown'], says: "Unknown option '--unknown'" },
  ])('$words is refused', ({ words, says }) => {
    expect(() => parseFuzzOptions(words)).toThrow(says);
  });
});
