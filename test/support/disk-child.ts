import { createHash } from 'node:crypto';
import type { ByteRange, FileMetadata } from '../../src/files/file.js';
import { sharedSource } from './disk-origin.js';
import { Counts, openTier } from './disk-world.js';

/** The program of `startDiskProcess`: a tier that does what its parent says. */

export interface Order {
  readonly id: number;
  readonly file: FileMetadata;
  readonly range?: ByteRange;
}

export interface Report {
  readonly id: number;
  readonly outcome?: string;
  readonly length?: number;
  readonly hash?: string;
  readonly failure?: string;
  readonly counts: Pick<Counts, 'evictions' | 'corrupt' | 'errors'>;
}

const [folder = '', url = '', max = ''] = process.argv.slice(2);
const counts = new Counts();
const tier = openTier(folder, sharedSource(url), counts, { max: Number(max) });

function tell(id: number, report: Omit<Report, 'id' | 'counts'>): void {
  const { evictions, corrupt, errors } = counts;
  process.send?.({ id, counts: { evictions, corrupt, errors }, ...report });
}

async function read({ id, file, range }: Order): Promise<void> {
  const { outcome, body } = await tier.open(file, range && { range });
  tell(id, { outcome });
  const hash = createHash('sha1');
  let length = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    hash.update(chunk);
    tell(id, { length: (length += chunk.length) });
  }
  tell(id, { hash: hash.digest('hex') });
}

process.on('message', (order: Order | 'close') => {
  if (order === 'close') void tier.close().then(() => process.disconnect());
  else read(order).catch((error: unknown) => tell(order.id, { failure: String(error) }));
});
tell(0, {});
