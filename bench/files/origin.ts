import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { GIB, SECOND, type Bytes, type Milliseconds } from '../../src/units.js';
import { startNginx } from '../../test/support/servers/nginx.js';
import { createBucket, startS3, type S3Address } from '../../test/support/servers/s3.js';

export const BUCKET = 'models';
const MEMORY: Bytes = 3 * GIB;
const PATIENCE = 30 * SECOND;
const PAUSE: Milliseconds = 30;
const IDLE_LOOKS = 4;

/** One request that reached the store. */
export interface OriginRead {
  readonly method: string;
  readonly status: number;
  /** Received from the store, head included. */
  readonly bytes: Bytes;
  readonly path: string;
}

/**
 * A Ceph object gateway, and before it an nginx that passes everything on and writes down each request: a counter that
 * takes little of the processors from what is measured. SigV4 signatures stay valid, since they are for its own address.
 */
export interface Origin {
  /** Without being counted. */
  readonly direct: S3Address;
  /** Counted. */
  readonly counted: S3Address;
  /** Where anybody may read the objects over HTTP, counted: the URL of the bucket. */
  readonly url: string;
  /** What was asked since the last call. Waits until nothing is under way. */
  reads(): Promise<OriginRead[]>;
  stop(): Promise<void>;
}

export async function startOrigin(): Promise<Origin> {
  // Ceph's own variable for options of all its programs: the default is too small for a file of 1 GiB.
  process.env['CEPH_ARGS'] = `--memstore_device_bytes=${MEMORY}`;
  const direct = await startS3();
  delete process.env['CEPH_ARGS'];
  await createBucket(direct, BUCKET);
  const door = await startNginx({ http: (place) => doorConfiguration(place, direct.endpoint) });
  const log = join(door.folder, 'origin.log');
  let position = 0;
  const reads = async (): Promise<OriginRead[]> => {
    await untilIdle(`${door.url}/door-status`);
    const written = await readFile(log);
    const fresh = written.subarray(position, written.lastIndexOf('\n') + 1);
    position += fresh.length;
    return parseOriginLog(fresh.toString());
  };
  const stop = async (): Promise<void> => {
    await Promise.all([door.stop(), direct.stop()]);
  };
  return { direct, counted: { ...direct, endpoint: door.url }, url: `${door.url}/${BUCKET}`, reads, stop };
}

function doorConfiguration({ port, folder }: { port: number; folder: string }, endpoint: string): string {
  return `
    log_format origin '$request_method\\t$status\\t$upstream_bytes_received\\t$uri';
    upstream store { server ${new URL(endpoint).host}; keepalive 64; }
    server {
      listen 127.0.0.1:${port};
      client_max_body_size 0;
      location = /door-status { stub_status; }
      location / {
        access_log ${folder}/origin.log origin;
        proxy_pass http://store;
        proxy_http_version 1.1;
        proxy_set_header Host $http_host;
        proxy_set_header Connection "";
        proxy_buffering off;
        proxy_buffer_size 64k;
        proxy_buffers 8 64k;
      }
    }`;
}

/** Lines of the door's `log_format`. */
export function parseOriginLog(text: string): OriginRead[] {
  const lines = text.split('\n').filter((line) => line !== '');
  return lines.map((line) => {
    const [method = '', status, bytes = '', path = ''] = line.split('\t');
    // Several numbers: several attempts. A dash: none.
    const received = bytes.split(/[,:] ?/).map((each) => Number(each.trim()) || 0);
    const inBucket = path.startsWith(`/${BUCKET}/`) ? path.slice(BUCKET.length + 2) : path;
    return { method, status: Number(status), bytes: received.reduce((sum, each) => sum + each, 0), path: inBucket };
  });
}

/** A request is written down when it ends. A server whose clients have gone may still be about to ask: several looks find nothing. */
async function untilIdle(statusUrl: string): Promise<void> {
  const deadline = Date.now() + PATIENCE;
  for (let idle = 0; idle < IDLE_LOOKS && Date.now() < deadline;) {
    const status = await (await fetch(statusUrl)).text();
    // The one that asks is one of them.
    idle = Number(/Writing: (\d+)/.exec(status)?.[1]) <= 1 ? idle + 1 : 0;
    if (idle < IDLE_LOOKS) await sleep(PAUSE);
  }
}
