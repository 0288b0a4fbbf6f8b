import { setTimeout as delay } from 'node:timers/promises';
import { MINUTE, SECOND } from '../../units.js';
import type { Plan, Queryable, Step } from './migration.js';

/** Postgres' `lock_not_available`: a step gave up, so that writers do not queue behind it. */
const LOCK_NOT_AVAILABLE = '55P03';
const LOCK_PATIENCE = 2 * MINUTE;
/** For the writers that have queued. */
const LOCK_PAUSE = SECOND / 2;

export interface RunOptions {
  readonly log: (line: string) => void;
  /** Says what would be done, and changes nothing. */
  readonly dryRun: boolean;
}

/** In a dry run, what is no SQL is said as a comment, so that all of the output can be run. */
export function sayer({ log, dryRun }: RunOptions): (text: string) => void {
  return dryRun ? (text) => log(comment(text)) : log;
}

function comment(text: string): string {
  return text.replace(/^/gm, '-- ');
}

/**
 * Takes the steps of a plan, in order, and says each.
 * @throws Error naming the rights that are missing, or the step that failed, why, and as which role
 */
export async function runPlan(db: Queryable, label: string, plan: Plan, options: RunOptions): Promise<void> {
  const { log, dryRun } = options;
  const say = sayer(options);
  const missing = plan.missingRights ?? [];
  const rights = `the role that migrates lacks rights; have the owner run: ${missing.map((statement) => `${statement};`).join(' ')}`;
  if (missing.length > 0 && !dryRun) throw new Error(`${label}: ${rights}`);
  if (missing.length > 0) say(`${label}: ${rights}`);
  for (const step of plan.steps) {
    log(dryRun ? `${comment(`${label}: would ${step.title}:`)}\n${step.sql};` : `${label}: ${step.title}`);
    if (!dryRun) await takeStep(db, label, step, log);
  }
  for (const note of plan.notes) say(`${label}: ${note}`);
}

async function takeStep(db: Queryable, label: string, step: Step, log: (line: string) => void): Promise<void> {
  const deadline = Date.now() + LOCK_PATIENCE;
  for (let waited = false; ; waited = true) {
    try {
      await db.query(step.sql);
      return;
    } catch (error) {
      await db.query('rollback').catch(() => undefined);
      if (!isLockTimeout(error)) throw await explained(db, label, step, error);
      const holders = await holdersOfOrders(db);
      if (Date.now() > deadline)
        throw new Error(`${label}: orders was in use for two minutes, by ${holders}. Try again later.`, { cause: error });
      if (!waited) log(`${label}: orders is in use by ${holders}; trying again`);
    }
    await delay(LOCK_PAUSE);
  }
}

function isLockTimeout(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === LOCK_NOT_AVAILABLE;
}

async function explained(db: Queryable, label: string, { title }: Step, error: unknown): Promise<Error> {
  const role = await db.query('select current_user as role').then(
    ({ rows }) => ` as role ${JSON.stringify(rows[0]?.['role'])}`,
    () => '',
  );
  const reason = error instanceof Error ? error.message : String(error);
  return new Error(`${label}: could not ${title}${role}: ${reason}`, { cause: error });
}

async function holdersOfOrders(db: Queryable): Promise<string> {
  const { rows } = await db.query(
    `select distinct format('process %s (%s, user %s)', pid, coalesce(nullif(application_name, ''), backend_type), usename) as holder
     from pg_locks join pg_stat_activity using (pid)
     where relation = to_regclass('orders') and granted and pid <> pg_backend_pid() limit 5`,
  );
  return rows.map((row) => String(row['holder'])).join(', ') || 'a transaction that has just ended';
}
