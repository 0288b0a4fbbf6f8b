import type { Dice } from './dice.js';
import { oddHeaders } from './http-parts.js';
import { requestBytes, type Ground, type Probe } from './probe.js';

const record = (key: unknown, source: string) => ({
  eventVersion: '2.1',
  eventSource: source,
  eventName: 'ObjectCreated:Put',
  s3: { bucket: { name: 'parts' }, object: { key, size: 5, eTag: 'ec03', sequencer: 'C745' } },
});

type Envelope = (key: unknown) => object;

const bridge: Envelope = (key) => ({
  version: '0',
  'detail-type': 'Object Created',
  source: 'aws.s3',
  detail: { bucket: { name: 'parts' }, object: { key } },
});

const ENVELOPES: readonly Envelope[] = [
  (key) => ({ Records: [record(key, 'aws:s3')] }),
  (key) => ({ Records: [record(key, 'ceph:s3'), record(key, 'minio:s3')] }),
  (key) => ({ EventName: 's3:ObjectCreated:Put', Key: key, Records: [record(key, 'minio:s3')] }),
  (key) => ({ EventName: 's3:ObjectRemoved:Delete', Key: `parts/${typeof key === 'string' ? key : JSON.stringify(key)}` }),
  bridge,
  () => ({ Service: 'Amazon S3', Event: 's3:TestEvent', Bucket: 'parts' }),
  (key) => ({ Type: 'Notification', MessageId: '1', Message: JSON.stringify({ Records: [record(key, 'aws:s3')] }) }),
  (key) => ({ Type: 'Notification', MessageId: '1', Message: JSON.stringify(bridge(key)) }),
  () => ({ Type: 'SubscriptionConfirmation', SubscribeURL: 'https://sns.evil.example/?Action=ConfirmSubscription' }),
  (key) => ({ Type: 'SubscriptionConfirmation', SubscribeURL: key }),
  () => ({ Type: 'UnsubscribeConfirmation', SubscribeURL: 'https://x' }),
];

/** A value somewhere inside is another one, or gone. */
function changed(dice: Dice, value: unknown): unknown {
  if (dice.chance(0.2) || typeof value !== 'object' || value === null) return dice.json();
  if (Array.isArray(value))
    return dice.chance(0.2) ? dice.times(1_100, () => value[0] as unknown) : value.map((each) => changed(dice, each));
  const entries = Object.entries(value);
  const at = dice.below(entries.length);
  return Object.fromEntries(
    entries.flatMap(([name, each], index) => {
      if (index !== at) return [[name, each]];
      return dice.chance(0.15) ? [] : [[name, changed(dice, each)]];
    }),
  );
}

/** `POST /events/s3`: what stores and the services between send, whole or with accidents. */
export function storeEventProbe(dice: Dice, ground: Ground): Probe {
  const key = dice.of<unknown>([dice.of(ground.filePaths), dice.text(), '%zz+%', '../x', dice.json()]);
  const whole = dice.of(ENVELOPES)(key);
  const message = dice.chance(0.5) ? changed(dice, whole) : whole;
  const json = Buffer.from(JSON.stringify(message));
  const body = dice.chance(0.15) ? dice.damaged(json) : json;
  const type = dice.of(['application/json', 'text/plain; charset=UTF-8', 'application/x-www-form-urlencoded', dice.text()]);
  const method = dice.chance(0.97) ? 'POST' : dice.of(['GET', 'PUT', 'HEAD']);
  const headers = [['content-type', type] as const, ...oddHeaders(dice, ground)];
  const pieces = [requestBytes({ method, url: '/events/s3', headers, body }, ground.host)];
  return { target: 'store events', pieces, way: 'exchange', method };
}
