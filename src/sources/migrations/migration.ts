/** The part of a `pg` client that migrations use; parameters are `$1`, `$2`, … */
export interface Queryable {
  query(text: string, values?: unknown[]): Promise<{ rows: Record<string, unknown>[] }>;
}

/** Something that the database lacks, or has too much. */
export interface Step {
  /** For the log: what it does, such as "create table orders". */
  readonly title: string;
  /** One statement, or several between `begin` and `commit`. It can be pasted into psql. */
  readonly sql: string;
}

export interface Plan {
  /** In order; each runs in a transaction of its own, unless Postgres forbids one. */
  readonly steps: readonly Step[];
  /** What the migration leaves to the owner of the database, and why. */
  readonly notes: readonly string[];
  /** Rights without which planning or the steps would fail, each as the statement that gives it, or that the owner runs instead. */
  readonly missingRights?: readonly string[];
}

/**
 * One version of the schema. `plan` reads the database's own catalogue and answers with what is missing, nothing if it is up to
 * date: no table of applied versions is kept in a database that belongs to someone else, and an object that was dropped comes back.
 */
export interface Migration {
  /** As the log and the file have it, such as "001-orders". */
  readonly label: string;
  /** @throws Error if the database can never fit, with what is wrong and what was expected */
  plan(db: Queryable): Promise<Plan>;
}
