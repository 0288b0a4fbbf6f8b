import { pick, type Random } from '../../src/embedded/random.js';
import { post } from '../checker/http-client.js';
import { postJson } from './http-client.js';
import type { Instance } from './instance.js';
import type { World } from './world.js';

export type Channel = 'fileChanged' | 'event';

const CHANGED = 'mutation ($path: String!) { fileChanged(path: $path) { size etag } }';

/** Tells the gateway that the file was written or removed. Whether it acknowledged that; a text: why not. */
export async function announce(
  world: World,
  instance: Instance,
  channel: Channel,
  change: { readonly path: string; readonly isRemoved: boolean },
  random: Random,
): Promise<true | string> {
  const { port } = instance.process;
  if (channel === 'event') {
    const status = await postJson(port, world.tokens.service, '/events/s3', eventOf(world.store.bucket, change, random));
    return status !== undefined && status >= 200 && status < 300 ? true : `status ${status ?? 'none'}`;
  }
  const answer = await post(port, world.tokens.operator, CHANGED, { path: change.path });
  if (answer.status === 200 && !answer.errors) return true;
  return answer.status === 'none' ? answer.reason : JSON.stringify(answer.errors ?? answer.status);
}

/** In one of the forms in which it may come. */
function eventOf(bucket: string, { path, isRemoved }: { path: string; isRemoved: boolean }, random: Random): unknown {
  const eventName = isRemoved ? 'ObjectRemoved:Delete' : 'ObjectCreated:Put';
  const key = encodeURIComponent(path).replaceAll('%20', '+').replaceAll('%2F', '/');
  const record = (eventSource: string, prefix: string) => ({
    Records: [
      {
        eventVersion: '2.1',
        eventSource,
        eventTime: new Date().toISOString(),
        eventName: prefix + eventName,
        s3: { s3SchemaVersion: '1.0', bucket: { name: bucket }, object: { key } },
      },
    ],
  });
  const form = pick(random, ['aws', 'sns', 'event-bridge', 'minio', 'ceph'] as const);
  switch (form) {
    case 'aws':
      return record('aws:s3', '');
    case 'sns':
      return {
        Type: 'Notification',
        MessageId: '1',
        TopicArn: 'arn:aws:sns:eu-central-1:1:files',
        Message: JSON.stringify(record('aws:s3', '')),
      };
    case 'event-bridge':
      return {
        version: '0',
        source: 'aws.s3',
        'detail-type': isRemoved ? 'Object Deleted' : 'Object Created',
        detail: { version: '0', bucket: { name: bucket }, object: { key: path } },
      };
    case 'minio':
      return { EventName: `s3:${eventName}`, Key: `${bucket}/${path}`, ...record('minio:s3', 's3:') };
    case 'ceph':
      return record('ceph:s3', '');
  }
}
