import { planUndoAudit } from './003-audit.js';
import { MIGRATIONS } from './index.js';
import { pollIndex } from './poll-index.js';
import { runPlan, sayer } from './run.js';
import { withSession } from './session.js';
import { planUndo } from './undo.js';

export interface MigrateOptions {
  readonly url: string;
  readonly log: (line: string) => void;
  /** Says what would be done, and changes nothing. */
  readonly dryRun?: boolean;
  /** Also makes the index that `CHANGE_FEED=poll` reads by. */
  readonly withPollIndex?: boolean;
}

export interface UndoOptions extends Omit<MigrateOptions, 'withPollIndex'> {
  /** Also removes the audit log, with all that is in it. */
  readonly withAuditLog?: boolean;
}

export interface MigrateResult {
  /** Titles of the steps taken (or, in a dry run, to be taken), in order. */
  readonly steps: readonly string[];
  /** What is left to the owner of the database. */
  readonly notes: readonly string[];
}

/**
 * Brings the database to the newest schema, adding only what it lacks; safe to run at any time, and from several processes at once.
 * Writers of an existing table are not locked out.
 *
 * @throws Error if the database cannot be reached, an existing `orders` lacks columns, or the user lacks a privilege
 */
export async function migrate({ url, log, dryRun = false, withPollIndex = false }: MigrateOptions): Promise<MigrateResult> {
  const migrations = withPollIndex ? [...MIGRATIONS, pollIndex] : MIGRATIONS;
  return withSession(url, !dryRun, async (db) => {
    let upToDate = true;
    const done = { steps: [] as string[], notes: [] as string[] };
    for (const migration of migrations) {
      const planned = await migration.plan(db);
      await runPlan(db, migration.label, planned, { log, dryRun });
      upToDate &&= planned.steps.length === 0 && (planned.missingRights ?? []).length === 0;
      done.steps.push(...planned.steps.map(({ title }) => title));
      done.notes.push(...planned.notes);
    }
    if (upToDate) sayer({ log, dryRun })('The schema is up to date.');
    return done;
  });
}

/**
 * Removes the outbox, with the changes in it that nobody has read yet; never `orders`, and the audit log only on request.
 * @returns titles of the steps taken (or, in a dry run, to be taken)
 * @throws Error as `migrate`
 */
export async function undoOutbox({ url, log, dryRun = false, withAuditLog = false }: UndoOptions): Promise<readonly string[]> {
  return withSession(url, !dryRun, async (db) => {
    const plans = [await planUndo(db), ...(withAuditLog ? [await planUndoAudit(db)] : [])];
    for (const plan of plans) await runPlan(db, 'undo', plan, { log, dryRun });
    const titles = plans.flatMap(({ steps }) => steps.map(({ title }) => title));
    if (titles.length === 0) sayer({ log, dryRun })(`There is no outbox${withAuditLog ? ' or audit log' : ''} to remove.`);
    return titles;
  });
}
