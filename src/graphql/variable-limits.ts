import { LIST_MAX } from './document-limits.js';
import { LimitError } from './limit-error.js';

/** Values inside of values; the deepest variable of the schema has 3. */
export const DEPTH_MAX = 10;
/** Values of all variables together, the innermost ones and those that hold them. */
export const VALUES_MAX = 10_000;

/** Bounds what is sent as variables, in one pass that does not recurse. @throws LimitError */
export function checkVariables(variables: unknown): void {
  if (typeof variables !== 'object' || variables === null) return;
  let level: object[] = [variables];
  let values = 0;
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > DEPTH_MAX) {
      refuse('variables', `Variables must be nested at most ${DEPTH_MAX} levels deep, but are deeper.`, DEPTH_MAX, depth);
    }
    const next: object[] = [];
    for (const holder of level) {
      const held: unknown[] = Array.isArray(holder) ? holder : Object.values(holder);
      values += held.length;
      if (Array.isArray(holder) && held.length > LIST_MAX) {
        refuse('list', `A list must have at most ${LIST_MAX} items, but has: ${held.length}.`, LIST_MAX, held.length);
      }
      if (values > VALUES_MAX) {
        refuse('variables', `Variables must hold at most ${VALUES_MAX} values, but hold more.`, VALUES_MAX, values);
      }
      for (const value of held) if (typeof value === 'object' && value !== null) next.push(value);
    }
    level = next;
  }
}

function refuse(limit: 'variables' | 'list', message: string, max: number, found: number): never {
  throw new LimitError(message, { limit, max, found });
}
