import { environment } from './config-environment.js';

/** A variable that is not read, and those that may have been meant. */
export interface Suspect {
  readonly name: string;
  readonly meant: readonly string[];
}

const KNOWN: readonly string[] = Object.keys(environment.shape);

/** What Kubernetes and Docker's links set for other containers; one of them may well be called `file-cache`. */
const OF_A_CONTAINER =
  /_(?:NAME|ENV_\w+|SERVICE_HOST|SERVICE_PORT(?:_\w+)?|PORT(?:_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)?)$/;

/** The most edits between a name and what was meant. Short names are left alone: `HOME` is two edits from `HOST`. */
function slipsIn(name: string): number {
  return name.length < 6 ? 0 : name.length < 9 ? 1 : 2;
}

/**
 * Which of `names` are not read but look as if they should be: within two edits of a setting, or with the same first two
 * words as several of them, such as `RATE_LIMIT_`.
 */
export function suspects(names: readonly string[]): Suspect[] {
  return names.flatMap((name) => {
    const written = name.toUpperCase();
    if (KNOWN.includes(name) || OF_A_CONTAINER.test(written)) return [];
    const near = KNOWN.filter((known) => distance(written, known) <= Math.min(slipsIn(written), slipsIn(known)));
    const meant = near.length > 0 ? near : familyOf(written);
    return meant.length > 0 ? [{ name, meant }] : [];
  });
}

/** Settings that begin as `name` does, if there are several. */
function familyOf(name: string): readonly string[] {
  const [, beginning] = /^([A-Z0-9]+_[A-Z0-9]+_)./.exec(name) ?? [];
  const family = beginning === undefined ? [] : KNOWN.filter((known) => known.startsWith(beginning));
  return family.length > 1 ? family : [];
}

/** Insertions, deletions and substitutions from `a` to `b`: V. Levenshtein, 1965, by the rows of R. Wagner and M. Fischer, 1974. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (const [i, letter] of Array.from(a).entries()) {
    const next = [i + 1];
    for (const [j, other] of Array.from(b).entries()) {
      next.push(Math.min((row[j] ?? 0) + (letter === other ? 0 : 1), (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
