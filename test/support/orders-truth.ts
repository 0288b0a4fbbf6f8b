import { MINUTE } from '../../src/units.js';
import type { PlantOrder } from './plant.js';
import type { RandomOperation } from './random-operations.js';

export interface OrdersTruth {
  /** All orders that the viewer may see. */
  readonly own: readonly PlantOrder[];
}

interface Total {
  readonly got: unknown;
  readonly expected: number;
}

/** Each `totalCount` in the answer, under whatever name, beside what it must be. Stated apart from the gateway's own code. */
export function totalsOf(
  { query, roots }: RandomOperation,
  data: Readonly<Record<string, unknown>>,
  truth: OrdersTruth,
): Total[] {
  const names = [...query.matchAll(/(\w+): totalCount\b/g)].map(([, name = '']) => name);
  return roots
    .filter(({ field }) => field === 'orders')
    .flatMap(({ alias, given }) => {
      const connection = (data[alias] ?? {}) as Record<string, unknown>;
      const expected = matching(given, truth).length;
      return names.filter((name) => name in connection).map((name) => ({ got: connection[name], expected }));
    });
}

function matching(given: Readonly<Record<string, unknown>>, { own }: OrdersTruth): PlantOrder[] {
  const { createdBy, window, status } = given as { createdBy?: string; window?: number; status?: string[] };
  const now = Date.now();
  const from = createdBy === undefined ? now - (window ?? 1_440) * MINUTE : Date.parse(createdBy);
  const to = from + (window ?? 60) * MINUTE;
  return own.filter((order) => {
    const at = Date.parse(order.created_at);
    return at >= from && (createdBy === undefined || at < to) && (!status || status.includes(order.status));
  });
}
