import { access, mkdir } from 'node:fs/promises';
import path from 'node:path';
import { removeOldDrafts } from './drafts.js';
import { SAMPLE_PARTS } from './sample-parts.js';
import { writeStl } from './stl.js';

/** Paths of the sample models, relative to their folder, with `/`. */
export const SAMPLE_FILE_PATHS: readonly string[] = SAMPLE_PARTS.map((part) => part.path);

/**
 * Writes the sample models that are missing below `dir`; a file that is there is left as it is. The bytes are always the same.
 *
 * @returns the paths that were written
 */
export async function ensureSampleFiles(dir: string, log: (line: string) => void): Promise<string[]> {
  const models = path.join(dir, 'models');
  await mkdir(models, { recursive: true });
  await removeOldDrafts(models);
  const written: string[] = [];
  for (const part of SAMPLE_PARTS) {
    const file = path.join(dir, part.path);
    if (await exists(file)) continue;
    await writeStl(file, `${part.title} (binary STL, mm)`, part.surface());
    written.push(part.path);
  }
  if (written.length > 0) log(`Wrote ${written.length} sample models to ${models}.`);
  return written;
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
