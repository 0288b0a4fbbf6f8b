import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LockedPackage } from './lock.js';

/** Licences that ask for no more than that their text and the names of the authors go along. SPDX identifiers. */
export const ALLOWED: ReadonlySet<string> = new Set([
  'MIT',
  'ISC',
  '0BSD',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'Apache-2.0',
  'BlueOak-1.0.0',
]);

/** What is wrong with the licence of each package, by what is installed below `root`; an optional one that is not there has none. */
export function licenceProblems(packages: readonly LockedPackage[], root: string): string[] {
  return packages.flatMap(({ place, optional, version }) => {
    const found = installed(join(root, place));
    if (!found) return optional ? [] : [`${place}: is not installed`];
    if (found.version !== version) return [`${place}: ${String(version)} is locked, but ${String(found.version)} is installed`];
    return isAllowed(found.licence) ? [] : [`${place}: ${found.licence ?? 'says nothing of a licence'}`];
  });
}

/** @param expression of SPDX: identifiers with AND or OR between them. Mixed ones are not understood, and so not allowed. */
export function isAllowed(expression: string | undefined): boolean {
  const bare = expression?.replace(/^\((.*)\)$/, '$1') ?? '';
  if (bare.includes(' OR ')) return !/ AND |[()]/.test(bare) && bare.split(' OR ').some((each) => ALLOWED.has(each));
  return bare.split(' AND ').every((each) => ALLOWED.has(each));
}

function installed(folder: string): { licence: string | undefined; version: unknown } | undefined {
  let text: string;
  try {
    text = readFileSync(join(folder, 'package.json'), 'utf8');
  } catch {
    return undefined;
  }
  const { license, version } = JSON.parse(text) as { license?: unknown; version?: unknown };
  return { licence: typeof license === 'string' ? license : undefined, version };
}
