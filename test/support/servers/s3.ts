import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { MINUTE } from '../../../src/units.js';
import { programsOf, type Programs } from './packages.js';
import { freePorts } from './ports.js';
import { dyingWithParent, startProcess } from './server-process.js';
import { removeFolder, temporaryFolder } from './temporary.js';
import { triplet, unpackedPython } from './unpacked-environment.js';

const SCRIPT = join(dirname(fileURLToPath(import.meta.url)), 'radosgw-up.sh');
const START_PATIENCE = MINUTE;
const ATTEMPTS = 3;

/** How to reach an S3 store. */
export interface S3Address {
  readonly endpoint: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly region: string;
}

export interface S3Server extends S3Address {
  /** Ends the store; what was in it is gone. */
  stop(): Promise<void>;
}

/** Starts a real S3 store, a Ceph object gateway on 127.0.0.1 with its objects in memory. @throws when Ceph cannot be had. */
export async function startS3(): Promise<S3Server> {
  const programs = await programsOf('ceph');
  for (let attempt = 1; ; attempt++) {
    try {
      return await startOnce(programs);
    } catch (error) {
      if (attempt === ATTEMPTS) throw error;
    }
  }
}

async function startOnce(programs: Programs): Promise<S3Server> {
  const [s3Port, monitorPort] = await freePorts(2);
  const folder = temporaryFolder();
  const data = join(folder, 'ceph');
  const args = [SCRIPT, data, String(s3Port), String(monitorPort)];
  const script = await startProcess({ command: 'bash', args, env: environment(programs), logFile: join(folder, 'up.log') });
  const stop = async (): Promise<void> => {
    await script.end('SIGTERM');
    removeFolder(folder);
  };
  try {
    await script.until(() => Promise.resolve(existsSync(join(data, 'ready'))), START_PATIENCE);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    endpoint: `http://127.0.0.1:${s3Port}`,
    accessKeyId: 'test',
    secretAccessKey: 'test-secret',
    region: 'us-east-1',
    stop,
  };
}

function environment({ env, root }: Programs): NodeJS.ProcessEnv {
  const dying = { ...env, DYING: dyingWithParent().join(' ') };
  if (root === undefined) return dying;
  return { ...dying, CEPH_LIBRARIES: join(root, 'usr/lib', triplet()), CEPH_PYTHON: unpackedPython(root) };
}

/** The settings with which a gateway uses a bucket of the store. */
export function s3Environment(
  { endpoint, region, accessKeyId, secretAccessKey }: S3Address,
  bucket: string,
): Record<string, string> {
  return {
    S3_BUCKET: bucket,
    S3_ENDPOINT: endpoint,
    S3_REGION: region,
    S3_FORCE_PATH_STYLE: 'true',
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
  };
}

/** Gives this process the keys of `address`, as a gateway has them. @returns takes them away */
export function becomeClientOf({ accessKeyId, secretAccessKey }: S3Address): () => void {
  const before = process.env;
  process.env = { ...before, AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey };
  return () => (process.env = before);
}

/** A client for tests; the caller destroys it. */
export function s3Client({ endpoint, region, accessKeyId, secretAccessKey }: S3Address): S3Client {
  return new S3Client({
    endpoint,
    region,
    credentials: { accessKeyId, secretAccessKey },
    forcePathStyle: true,
    // Ceph answers 411 to the SDK's default checksum after a stream.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  });
}

/** Makes an empty bucket. @throws when there is one of that name. */
export async function createBucket(address: S3Address, name: string): Promise<void> {
  const client = s3Client(address);
  try {
    await client.send(new CreateBucketCommand({ Bucket: name }));
  } finally {
    client.destroy();
  }
}
