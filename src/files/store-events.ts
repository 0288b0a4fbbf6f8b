import { z } from 'zod';
import { GatewayError } from '../errors.js';

/** An object that was written, deleted or restored. */
export interface ObjectEvent {
  readonly bucket: string;
  /** What its key may be: one text, or two where it is not known whether the sender encodes keys. */
  readonly keys: readonly string[];
}

/** What a store, or the service between, has to say. */
export type StoreMessage =
  /** `ignored`: events that change no bytes, such as reads and tags. */
  | { readonly kind: 'events'; readonly events: readonly ObjectEvent[]; readonly ignored: number }
  /** SNS delivers nothing before somebody has fetched `url`. */
  | { readonly kind: 'subscription'; readonly url: string }
  /** Nothing is to be done: a test, the end of a subscription. */
  | { readonly kind: 'notice' };

/** The most events of one message; no store sends nearly as many. */
const EVENTS_MAX = 1_000;

/** Events after which a file has the bytes that it had. Whatever is not known here counts as a change. */
const HARMLESS =
  /^(s3:)?(ObjectAccessed|ObjectTagging|ObjectAcl|IntelligentTiering|Replication|Scanner|Bucket\w+|ObjectCreated:Put(Tagging|Retention|LegalHold)|ObjectCreated:DeleteTagging)\b/;
const HARMLESS_DETAIL = /^Object (ACL Updated|Tags Added|Tags Deleted|Access Tier Changed|Restore Initiated)$/;

/** Senders that are known to encode keys, always. */
const ENCODING_SOURCES: ReadonlySet<string> = new Set(['aws:s3', 'minio:s3']);

const RECORD = z.object({
  eventName: z.string(),
  eventSource: z.string().default(''),
  s3: z.object({ bucket: z.object({ name: z.string() }), object: z.object({ key: z.string() }) }),
});
const RECORDS = z.object({ Records: z.array(z.unknown()) });
const MINIO = z.object({ EventName: z.string(), Key: z.string() });
const TEST_EVENT = z.object({ Event: z.literal('s3:TestEvent') });
const EVENT_BRIDGE = z.object({
  source: z.literal('aws.s3'),
  'detail-type': z.string(),
  detail: z.object({ bucket: z.object({ name: z.string() }), object: z.object({ key: z.string() }) }),
});
const SNS = z.discriminatedUnion('Type', [
  z.object({ Type: z.literal('Notification'), Message: z.string() }),
  z.object({ Type: z.literal('SubscriptionConfirmation'), SubscribeURL: z.string() }),
  z.object({ Type: z.literal('UnsubscribeConfirmation') }),
]);

const EXPECTED =
  'an S3 notification with "Records" (AWS, MinIO, Ceph), an S3 test event, an EventBridge event of aws.s3, or an SNS message with one of them';

/**
 * Reads what a store posts when objects change. The formats: AWS's event message structure 2.x and its test event, the
 * envelopes of SNS (HTTP/HTTPS notification JSON) and EventBridge (event schema of aws.s3), the webhooks of MinIO and Ceph.
 *
 * @param body JSON, as it arrived
 * @throws GatewayError BAD_USER_INPUT, naming what was expected
 */
export function parseStoreMessage(body: string): StoreMessage {
  const message = parsedJson(body, 'The body');
  const sns = SNS.safeParse(message);
  if (!sns.success) return parseNotification(message);
  switch (sns.data.Type) {
    case 'Notification':
      return parseNotification(parsedJson(sns.data.Message, 'The "Message" of an SNS notification'));
    case 'SubscriptionConfirmation':
      return { kind: 'subscription', url: sns.data.SubscribeURL };
    case 'UnsubscribeConfirmation':
      return { kind: 'notice' };
  }
}

function parseNotification(message: unknown): StoreMessage {
  const list = RECORDS.safeParse(message);
  if (list.success) return fromRecords(list.data.Records);
  const bridge = EVENT_BRIDGE.safeParse(message);
  if (bridge.success) {
    const { bucket, object } = bridge.data.detail;
    return oneEvent(HARMLESS_DETAIL.test(bridge.data['detail-type']), { bucket: bucket.name, keys: [object.key] });
  }
  const minio = MINIO.safeParse(message);
  if (minio.success) {
    const [bucket = '', ...key] = minio.data.Key.split('/');
    return oneEvent(HARMLESS.test(minio.data.EventName), { bucket, keys: [key.join('/')] });
  }
  if (TEST_EVENT.safeParse(message).success) return { kind: 'notice' };
  throw new GatewayError('BAD_USER_INPUT', `The body must be ${EXPECTED}.`);
}

function oneEvent(isHarmless: boolean, event: ObjectEvent): StoreMessage {
  return { kind: 'events', events: isHarmless ? [] : [event], ignored: isHarmless ? 1 : 0 };
}

function fromRecords(records: readonly unknown[]): StoreMessage {
  if (records.length > EVENTS_MAX) {
    throw new GatewayError('BAD_USER_INPUT', `"Records" must hold at most ${EVENTS_MAX} events, but holds: ${records.length}.`);
  }
  const changes = records.map(parseRecord).filter(({ eventName }) => !HARMLESS.test(eventName));
  const events = changes.map(({ eventSource, s3 }) => ({ bucket: s3.bucket.name, keys: readings(s3.object.key, eventSource) }));
  return { kind: 'events', events, ignored: records.length - events.length };
}

function parseRecord(record: unknown, index: number): z.output<typeof RECORD> {
  const { data, error } = RECORD.safeParse(record);
  if (data) return data;
  const places = error.issues.map(({ path }) => `"${['Records', index, ...path].join('.')}"`);
  throw new GatewayError(
    'BAD_USER_INPUT',
    `${places.join(', ')} must be a text: an event of S3 has "eventName", "s3.bucket.name" and "s3.object.key".`,
  );
}

/** Keys are encoded as in a form (`+` is a space). Ceph encodes them or not, depending on its version: both are meant then. */
function readings(key: string, source: string): string[] {
  const decoded = formDecoded(key);
  if (decoded === undefined) return [key];
  return ENCODING_SOURCES.has(source) || decoded === key ? [decoded] : [decoded, key];
}

function formDecoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return undefined;
  }
}

function parsedJson(text: string, what: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new GatewayError('BAD_USER_INPUT', `${what} must be JSON: ${EXPECTED}.`);
  }
}
