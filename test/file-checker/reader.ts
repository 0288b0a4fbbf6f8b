import { between, pick, type Random } from '../../src/embedded/random.js';
import { MIB } from '../../src/units.js';
import { post } from '../checker/http-client.js';
import { rest } from '../checker/rest.js';
import { seenIn, tierOf } from './answer.js';
import { ORIGIN_AFTERMATH } from './bounds.js';
import { validVersions, type Asked, type FileHistory } from './history.js';
import { ask, type FileResponse } from './http-client.js';
import type { Instance } from './instance.js';
import { judge } from './judge.js';
import type { Reason } from './report.js';
import { wishAny, type Wish } from './requests.js';
import { pickUp, type World } from './world.js';

const METADATA = 'query ($path: String!) { file(path: $path) { size etag } }';

/** Reads without a pause until the check is over. */
export async function runReader(world: World, random: Random): Promise<void> {
  const small = world.files.filter((_, index) => (world.sizes[index] ?? 0) < MIB);
  while (!world.over.aborted) {
    const instance = pickUp(world, random);
    const file = pick(random, random() < 0.4 ? world.files : small);
    if (!instance) await rest(20, world.over);
    else if (random() < 0.08) await readMetadata(world, instance, file);
    else await read(world, instance, file, wishAny(file, random));
    await rest(between(random, 0, 3), world.over);
  }
}

/** One request of a file, checked. It may fail only for a reason that the check has given. */
export async function read(
  world: World,
  instance: Instance,
  file: FileHistory,
  wish: Wish,
  onBytes?: (count: number) => void,
): Promise<FileResponse> {
  const { report, tokens } = world;
  const asking = begin(world, instance);
  const { method, headers, pause, leaveAfter } = wish;
  const response = await ask({
    port: instance.process.port,
    token: tokens.operator,
    path: file.path,
    method,
    headers,
    ...(pause !== undefined && { pause }),
    ...(leaveAfter !== undefined && { leaveAfter }),
    ...(onBytes && { onBytes }),
  });
  const asked = asking();
  const seen = seenIn(wish, response);
  if (typeof seen === 'string') {
    report.violation(`VIOLATION: ${seen}, as ${wish.kind} (${JSON.stringify(wish.headers)}) of ${file.path} by ${asked.by}`);
    return response;
  }
  const problem = seen && judge(file, seen, asked);
  if (problem) report.wrongAnswer(...problem);
  if (!seen || !(response.isWhole || response.hasLeft)) {
    const problem = response.status === undefined || seen ? 'broken' : `status ${response.status}`;
    fail(
      world,
      instance,
      file,
      asked,
      `${wish.kind} of ${file.path}: ${problem}, ${response.reason ?? response.body.toString('utf8', 0, 200)}`,
    );
    return response;
  }
  const isCompared = seen.bytes !== undefined && response.isWhole;
  report.answered(`${response.status ?? 0} ${wish.kind}`, tierOf(response), isCompared ? response.body.length : undefined);
  report.asked(asked.faults, true);
  return response;
}

/** What GraphQL says of the file, checked. */
async function readMetadata(world: World, instance: Instance, file: FileHistory): Promise<void> {
  const asking = begin(world, instance);
  const answer = await post(instance.process.port, world.tokens.operator, METADATA, { path: file.path });
  const asked = asking();
  if (answer.status !== 200 || answer.errors || !answer.data) {
    const why = answer.status === 'none' ? answer.reason : JSON.stringify(answer.errors ?? answer.status);
    return fail(world, instance, file, asked, `metadata of ${file.path}: ${why}`);
  }
  const found = answer.data['file'] as { size: number; etag: string } | null;
  const problem = judge(file, { what: 'file(path)', exists: found !== null, etag: found?.etag, size: found?.size }, asked);
  if (problem) world.report.wrongAnswer(...problem);
  world.report.answered('metadata', undefined, undefined);
  world.report.asked(asked.faults, true);
}

type AskedNow = Asked & { readonly faults: ReadonlySet<string> };

/** Notes when a request begins; what it gives is called at its end. */
export function begin(world: World, instance: Instance): () => AskedNow {
  const { name: by, breaker } = instance;
  const faults = new Set(world.faults);
  const began = performance.now();
  return () => {
    for (const fault of world.faults) faults.add(fault);
    return {
      began,
      ended: performance.now(),
      by,
      storeAnswered: breaker.closedSince(began),
      disturbed: (from, to) => world.trouble.touches(from, to),
      originDisturbed: (from, to) => world.originTrouble.touches(from, to, ORIGIN_AFTERMATH),
      faults,
    };
  };
}

/** An answer that failed, or ended early. */
export function fail(world: World, instance: Instance, file: FileHistory, asked: AskedNow, what: string): void {
  const reason = reasonOf(instance, file, asked);
  world.report.asked(asked.faults, false);
  if (reason) world.report.failed(reason);
  else {
    const when = `from ${asked.began.toFixed(1)} ms to ${asked.ended.toFixed(1)} ms`;
    world.report.violation(
      `VIOLATION: ${asked.by} failed for no reason ${when}, ${what}`,
      `  during: ${[...asked.faults].join(', ')}`,
    );
  }
}

function reasonOf(instance: Instance, file: FileHistory, asked: AskedNow): Reason | undefined {
  const { began, ended } = asked;
  if (instance.down.touches(began, ended) || instance.stopped.touches(began, ended)) return 'gateway down or stopped';
  if (asked.originDisturbed(began, ended)) return 'store of files disturbed';
  if (instance.host.trouble.touches(began, ended)) return 'cache folder disturbed';
  return validVersions(file, asked).length > 1 ? 'file changed meanwhile' : undefined;
}
