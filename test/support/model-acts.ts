import fc from 'fast-check';
import type { Milliseconds } from '../../src/units.js';

/** One thing that happens in the world of the model; `at` is the number of an instance. */
export type Act =
  | { readonly kind: 'read'; readonly at: number; readonly keys: readonly string[] }
  | { readonly kind: 'change'; readonly at: number; readonly key: string }
  | { readonly kind: 'pass'; readonly at: number; readonly by: Milliseconds }
  | { readonly kind: 'evict'; readonly key: string }
  | { readonly kind: 'restart' };

/** How often each kind of act happens, in proportion. */
export type Weights = Readonly<Record<Act['kind'], number>>;

const USUAL: Weights = { read: 12, change: 6, pass: 4, evict: 2, restart: 2 };

/** Some actors, each doing one thing after the other; what they do at once is interleaved as a scheduler picks. */
export function plays(keys: readonly string[], instances: number, weights: Partial<Weights>): fc.Arbitrary<Act[][]> {
  const at = fc.nat({ max: instances - 1 });
  const key = fc.constantFrom(...keys);
  const kind = <K extends Act['kind']>(name: K) => fc.constant(name);
  const acts: { readonly [K in Act['kind']]: fc.Arbitrary<Extract<Act, { kind: K }>> } = {
    read: fc.record({ kind: kind('read'), at, keys: fc.subarray([...keys], { minLength: 1 }) }),
    change: fc.record({ kind: kind('change'), at, key }),
    pass: fc.record({ kind: kind('pass'), at, by: fc.constantFrom(10, 50, 500, 5_000) }),
    evict: fc.record({ kind: kind('evict'), key }),
    restart: fc.record({ kind: kind('restart') }),
  };
  const kinds = Object.keys(USUAL) as Act['kind'][];
  const act = fc.oneof(
    ...kinds.map((each) => ({ weight: weights[each] ?? USUAL[each], arbitrary: acts[each] as fc.Arbitrary<Act> })),
  );
  return fc.array(fc.array(act, { minLength: 1, maxLength: 6 }), { minLength: 2, maxLength: 5 });
}
