import type { Time } from '../time.js';
import { SECOND } from '../units.js';
import type { Readiness } from './health.js';

export interface ReadinessParts {
  /** Rejects with the reason if the order database does not answer or has not the tables it must have. */
  readonly database: () => Promise<void>;
  /** Whether the store answers now. */
  readonly store: () => Promise<boolean>;
  readonly draining: () => boolean;
  readonly time: Time;
}

const PATIENCE = 2 * SECOND;

/** Ready is a gateway that answers requests: it needs the database; without the store it is slower, but answers. */
export function createReadiness({ database, store, draining, time }: ReadinessParts): () => Promise<Readiness> {
  return async () => {
    const [databaseState, storeAnswers] = await Promise.all([stateOf(database, time), store()]);
    return {
      ready: databaseState === 'ok' && !draining(),
      parts: {
        database: databaseState,
        store: storeAnswers ? 'ok' : 'not reachable; answers come from the database',
        ...(draining() && { process: 'shutting down' }),
      },
    };
  };
}

function stateOf(check: () => Promise<void>, time: Time): Promise<string> {
  return new Promise((resolve) => {
    const cancel = time.after(PATIENCE, () => resolve(`no answer within ${PATIENCE} ms`));
    check()
      .then(
        () => resolve('ok'),
        (error: unknown) => resolve(error instanceof Error ? error.message : String(error)),
      )
      .finally(cancel);
  });
}
