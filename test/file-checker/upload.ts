import { between, pick } from '../../src/embedded/random.js';
import type { Bytes } from '../../src/units.js';
import { rest } from '../checker/rest.js';
import { UPLOAD_AFTERMATH } from './bounds.js';
import { acknowledge, nextVersion, type Changing } from './changing.js';
import { hashOf } from './content.js';
import type { FileHistory, Version } from './history.js';
import { ask } from './http-client.js';
import { begin, fail } from './reader.js';
import type { World } from './world.js';

/** Through a gateway; some senders go away in the middle. */
export async function upload(changing: Changing, size: Bytes): Promise<void> {
  const { world, instance, file, random } = changing;
  const isCut = size > 1 && random() < 0.15;
  const [version, bytes] = nextVersion(file, size);
  if (!bytes) return;
  const asking = begin(world, instance);
  const response = await ask({
    port: instance.process.port,
    token: pick(random, [world.tokens.operator, world.tokens.service]),
    path: file.path,
    method: 'PUT',
    headers: { 'content-type': 'application/octet-stream' },
    body: bytes,
    ...(isCut && { breakAfter: between(random, 1, size - 1) }),
  });
  const asked = asking();
  const { status = 0 } = response;
  const isDone = response.isWhole && status >= 200 && status < 300;
  world.report.changed(isCut ? 'upload broken off' : isDone ? 'uploaded' : 'upload failed');
  if (isDone) acknowledge(changing, version, asked.by, asked.storeAnswered);
  else {
    if (!isCut)
      fail(
        world,
        instance,
        file,
        asked,
        `PUT of ${file.path}: status ${status}, ${response.reason ?? response.body.toString('utf8', 0, 300)}`,
      );
    await rest(UPLOAD_AFTERMATH, world.over);
  }
  await lookUp(world, file, version, isDone);
}

/** Asks the store what has become of an upload. */
async function lookUp({ store, report }: World, file: FileHistory, version: Version, isDone: boolean): Promise<void> {
  const former = file.versions.slice(0, -1).findLast(({ isVoid, storedAt }) => !isVoid && storedAt < Infinity);
  const bytes = await store.get(file.path);
  const hash = bytes && hashOf(bytes);
  if (hash === version.hash) {
    version.etag = (await store.head(file.path))?.etag;
    version.storedAt = Math.min(version.acknowledgedAt, performance.now());
    return;
  }
  version.isVoid = true;
  if (isDone) report.violation(`VIOLATION: an upload of ${file.path} was acknowledged, but the store does not have its bytes`);
  else if (hash !== former?.hash)
    report.violation(`VIOLATION: the store has bytes of no version of ${file.path} after an upload that failed`);
}
