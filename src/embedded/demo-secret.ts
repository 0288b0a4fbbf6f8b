import { randomBytes, randomUUID } from 'node:crypto';
import { chmod, link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { hasCode } from './error-code.js';

/** What the secrets of a demo are for: signing tokens, and the superuser of the embedded Postgres. */
export type SecretName = 'demo-secret' | 'postgres-password';

/**
 * A secret of the demo: 32 random bytes in hex, kept in `dataDir` for its owner's eyes only, so that it survives a restart.
 * Processes that start at once get the same one.
 */
export async function demoSecret(dataDir: string, name: SecretName = 'demo-secret'): Promise<string> {
  await mkdir(dataDir, { recursive: true });
  const file = path.join(dataDir, name);
  const kept = await readSecret(file);
  if (kept !== null) return kept;
  const draft = `${file}.${randomUUID()}`;
  await writeFile(draft, randomBytes(32).toString('hex'), { mode: 0o600 });
  try {
    // Unlike a rename, a link fails if another process was first.
    await link(draft, file);
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error;
  } finally {
    await rm(draft, { force: true });
  }
  const made = await readSecret(file);
  if (made === null) throw new Error(`${file} must hold 64 hex digits; remove it to get a new one.`);
  return made;
}

async function readSecret(file: string): Promise<string | null> {
  const text = await readFile(file, 'utf8').catch(() => '');
  if (!/^[0-9a-f]{64}$/.test(text)) return null;
  await chmod(file, 0o600);
  return text;
}
