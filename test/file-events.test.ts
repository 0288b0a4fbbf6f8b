import fc from 'fast-check';
import Fastify, { type FastifyInstance } from 'fastify';
import { GatewayError } from '../src/errors.js';
import { parseStoreMessage } from '../src/files/store-events.js';
import { confirmSubscription } from '../src/http/events-confirmation.js';
import { eventsRoute, type EventsRouteDeps } from '../src/http/events-route.js';
import { createIdentity } from '../src/http/identity.js';
import type { RequestNotes } from '../src/http/server.js';
import { sendRaw } from './support/gateway-requests.js';
import { TEST_SECRET, tokenFor } from './support/tokens.js';

const record = (key: string, more: object = {}) => ({
  eventVersion: '2.1',
  eventSource: 'aws:s3',
  awsRegion: 'eu-central-1',
  eventName: 'ObjectCreated:Put',
  s3: { s3SchemaVersion: '1.0', bucket: { name: 'parts' }, object: { key, size: 5, eTag: 'ec03', sequencer: 'C745' } },
  ...more,
});
const json = (value: unknown): string => JSON.stringify(value);
const eventOf = (...keys: string[]) => ({ bucket: 'parts', keys });
const events = (...list: object[]) => ({ kind: 'events', events: list, ignored: 0 });
const bridge = (type: string, key: string) => ({
  version: '0',
  'detail-type': type,
  source: 'aws.s3',
  detail: { version: '0', bucket: { name: 'parts' }, object: { key, size: 5, etag: 'ec03' }, reason: 'PutObject' },
});
const sns = (message: unknown) => ({
  Type: 'Notification',
  MessageId: '1',
  TopicArn: 'arn:aws:sns:x:1:t',
  Message: json(message),
});

describe('what a store says', () => {
  const aws = { Records: [record('models/ring+17%2B%D1%8F.stl'), record('a%26b.stl', { eventName: 'ObjectRemoved:Delete' })] };
  const ofAws = events(eventOf('models/ring 17+я.stl'), eventOf('a&b.stl'));

  test.each<[name: string, body: unknown, message: object]>([
    ['AWS', aws, ofAws],
    ['AWS through SNS', sns(aws), ofAws],
    ['an empty list', { Records: [] }, events()],
    ['EventBridge, which does not encode keys', bridge('Object Created', 'a+b%20c.stl'), events(eventOf('a+b%20c.stl'))],
    ['EventBridge: a deletion', bridge('Object Deleted', 'a.stl'), events(eventOf('a.stl'))],
    ['EventBridge: back from the archive', bridge('Object Restore Completed', 'a.stl'), events(eventOf('a.stl'))],
    ['EventBridge through SNS', sns(bridge('Object Created', 'a.stl')), events(eventOf('a.stl'))],
    ['EventBridge: tags', bridge('Object Tags Added', 'a.stl'), { ...events(), ignored: 1 }],
    [
      'MinIO',
      {
        EventName: 's3:ObjectCreated:Put',
        Key: 'parts/models/a b.stl',
        Records: [record('models%2Fa+b.stl', { eventSource: 'minio:s3', eventName: 's3:ObjectCreated:Put' })],
      },
      events(eventOf('models/a b.stl')),
    ],
    [
      'MinIO without records',
      { EventName: 's3:ObjectRemoved:Delete', Key: 'parts/models/a b.stl' },
      events(eventOf('models/a b.stl')),
    ],
    [
      "MinIO: reads, the gateway's own among them",
      {
        EventName: 's3:ObjectAccessed:Get',
        Key: 'parts/a.stl',
        Records: [record('a.stl', { eventName: 's3:ObjectAccessed:Get' })],
      },
      { ...events(), ignored: 1 },
    ],
    [
      'Ceph, which encodes keys or not',
      { Records: [record('ring 17+x 100%.stl', { eventSource: 'ceph:s3' }), record('a+b.stl', { eventSource: 'ceph:s3' })] },
      events(eventOf('ring 17+x 100%.stl'), eventOf('a b.stl', 'a+b.stl')),
    ],
    ['a test', { Service: 'Amazon S3', Event: 's3:TestEvent', Bucket: 'parts', HostId: 'x' }, { kind: 'notice' }],
    ['a test through SNS', sns({ Service: 'Amazon S3', Event: 's3:TestEvent', Bucket: 'parts' }), { kind: 'notice' }],
    ['SNS before', { Type: 'SubscriptionConfirmation', SubscribeURL: 'https://x' }, { kind: 'subscription', url: 'https://x' }],
    ['SNS after', { Type: 'UnsubscribeConfirmation', SubscribeURL: 'https://x' }, { kind: 'notice' }],
  ])('%s', (_name, body, message) => {
    expect(parseStoreMessage(json(body))).toEqual(message);
  });

  test.each([
    ['ObjectTagging:Put', 1],
    ['ObjectAcl:Put', 1],
    ['s3:ObjectCreated:PutTagging', 1],
    ['s3:ObjectAccessed:Head', 1],
    ['ObjectCreated:CompleteMultipartUpload', 0],
    ['ObjectRestore:Completed', 0],
    ['LifecycleExpiration:Delete', 0],
    ['s3:ObjectSynced:Create', 0],
    ['Something:New', 0],
  ])('%s is ignored: %i', (eventName, ignored) => {
    expect(parseStoreMessage(json({ Records: [record('a.stl', { eventName })] }))).toHaveProperty('ignored', ignored);
  });

  test.each<[name: string, body: string, says: string]>([
    ['no JSON', 'Records=1', 'The body must be JSON: an S3 notification with "Records"'],
    ['nothing', '', 'The body must be JSON'],
    ['another JSON', '{"a":1}', 'The body must be an S3 notification with "Records" (AWS, MinIO, Ceph), an S3 test event'],
    ['a list', '[]', 'The body must be an S3 notification'],
    ['null', 'null', 'The body must be an S3 notification'],
    ['SNS with a text', json({ Type: 'Notification', Message: 'hello' }), 'The "Message" of an SNS notification must be JSON'],
    ['EventBridge of others', json({ ...bridge('x', 'a'), source: 'aws.ec2' }), 'an EventBridge event of aws.s3'],
    ['records of others', json({ Records: [record('a'), { eventName: 'x', ses: {} }] }), '"Records.1.s3" must be a text'],
    ['a key that is no text', json({ Records: [record(1 as never)] }), '"Records.0.s3.object.key" must be a text'],
    ['too many', json({ Records: Array(1001).fill(record('a')) }), '"Records" must hold at most 1000 events, but holds: 1001.'],
  ])('%s is refused with what was expected', (_name, body, says) => {
    const message: unknown = expect.stringContaining(says);
    expect(() => parseStoreMessage(body)).toThrow(expect.objectContaining({ code: 'BAD_USER_INPUT', message }) as Error);
  });

  test('every key that AWS encodes is read as it was; no body is more than refused', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (key) => {
        const encoded = new URLSearchParams({ key }).toString().slice('key='.length);
        expect(parseStoreMessage(json({ Records: [record(encoded)] }))).toEqual(events(eventOf(key)));
      }),
    );
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (body) => {
        try {
          parseStoreMessage(body);
        } catch (error) {
          expect(error).toBeInstanceOf(GatewayError);
        }
      }),
    );
  });
});

describe('a subscription', () => {
  test.each([
    'https://sns.eu-central-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=arn&Token=1',
    'https://sns.cn-north-1.amazonaws.com.cn/?Action=ConfirmSubscription&TopicArn=arn&Token=1',
  ])('is confirmed at %s', async (url) => {
    const fetched: string[] = [];
    await confirmSubscription(url, (asked, { redirect }) => {
      fetched.push(`${redirect} ${asked.href}`);
      return Promise.resolve({ ok: true });
    });
    expect(fetched).toEqual([`error ${url}`]);
  });

  test.each([
    'http://sns.eu-central-1.amazonaws.com/?Action=ConfirmSubscription',
    'https://sns.eu-central-1.amazonaws.com.evil.example/?Action=ConfirmSubscription',
    'https://evil.example/sns.eu-central-1.amazonaws.com/?Action=ConfirmSubscription',
    'https://sns.eu-central-1.amazonaws.com@evil.example/?Action=ConfirmSubscription',
    'https://user@sns.eu-central-1.amazonaws.com/?Action=ConfirmSubscription',
    'https://sns.eu-central-1.amazonaws.com:8443/?Action=ConfirmSubscription',
    'https://sns.a.b.amazonaws.com/?Action=ConfirmSubscription',
    'https://snsxeu-central-1.amazonaws.com/?Action=ConfirmSubscription',
    'https://sns.eu-central-1.amazonaws.com/?Action=Unsubscribe',
    'https://169.254.169.254/latest/meta-data?Action=ConfirmSubscription',
    'nothing',
  ])('at %s is refused, and nothing fetched', async (url) => {
    const confirmed = confirmSubscription(url, () => Promise.reject(new Error('fetched')));
    await expect(confirmed).rejects.toMatchObject({ code: 'BAD_USER_INPUT' });
  });

  test.each([
    ['is not reached', () => Promise.reject(new Error('10.0.0.7 refused'))],
    ['does not agree', () => Promise.resolve({ ok: false })],
  ])('is tried again by SNS when it %s', async (_how, fetchUrl) => {
    const url = 'https://sns.eu-central-1.amazonaws.com/?Action=ConfirmSubscription';
    await expect(confirmSubscription(url, fetchUrl)).rejects.toMatchObject({ code: 'SOURCE_UNAVAILABLE' });
  });
});

describe('POST /events/s3', () => {
  const SECRETS = ['a secret of the store', 'b: the one before, with a colon and ü'];
  let app: FastifyInstance;
  let told: string[][];
  let confirmed: string[];
  let outcome: 'renewed' | 'pending';
  let senders: unknown[];
  const identity = createIdentity({ keys: { secret: TEST_SECRET } });

  const start = async (more: Partial<EventsRouteDeps> = { bucket: 'parts' }): Promise<void> => {
    app = Fastify({ bodyLimit: 4096 });
    app.decorateRequest('notes', null as unknown as RequestNotes);
    app.addHook('onRequest', (request, _reply, next) => {
      request.notes = {};
      next();
    });
    await app.register(eventsRoute, {
      viewerOf: async ({ headers }) => (await identity.callerOf(headers.authorization)).viewer,
      secrets: SECRETS,
      commandsOf: (viewer) => ({
        filesChanged: (paths) => {
          told.push([...paths]);
          senders.push(viewer);
          return Promise.resolve(outcome);
        },
      }),
      confirm: async (url) => void confirmed.push(url),
      ...more,
    });
  };
  beforeEach(async () => {
    [told, confirmed, outcome, senders] = [[], [], 'renewed', []];
    await start();
  });
  afterEach(() => app.close());

  const basic = (password: string) => `Basic ${Buffer.from(`store:${password}`).toString('base64')}`;
  const post = (body: unknown, headers: Record<string, string | undefined> = { authorization: basic(SECRETS[0]!) }) =>
    app.inject({ method: 'POST', url: '/events/s3', headers, payload: typeof body === 'string' ? body : json(body) });
  const one = { Records: [record('a.stl')] };

  test('names each file once, before it is acknowledged', async () => {
    const response = await post({ Records: [record('a.stl'), record('b+c.stl'), record('a.stl')] });
    expect(response).toMatchObject({ statusCode: 200 });
    expect(response.json()).toEqual({ renewed: 2, ignored: 0 });
    expect(told).toEqual([['a.stl', 'b c.stl']]);
    expect(senders).toEqual([{ role: 'service', subject: 'events of the file store' }]);
  });

  test('is not acknowledged while the cache cannot be told, so that the sender comes again', async () => {
    outcome = 'pending';
    const response = await post(one);
    expect(response.statusCode).toBe(503);
    expect(response.headers['retry-after']).toBe('1');
    expect(response.json()).toHaveProperty('error.code', 'SOURCE_UNAVAILABLE');
  });

  test('leaves out what is of other buckets or cannot be a file, and does the rest', async () => {
    const other = record('a.stl', { s3: { bucket: { name: 'bills' }, object: { key: 'a.stl' } } });
    const response = await post({ Records: [other, record('folder/'), record('../up.stl'), record('b.stl')] });
    expect(response.json()).toEqual({ renewed: 1, ignored: 3 });
    expect(told).toEqual([['b.stl']]);
    expect((await post({ Records: [other] })).json()).toEqual({ renewed: 0, ignored: 1 });
    expect(told).toHaveLength(1);
  });

  test('where files come from a folder, any bucket is meant', async () => {
    await app.close();
    await start({});
    expect((await post(one)).json()).toEqual({ renewed: 1, ignored: 0 });
  });

  test.each(['text/plain; charset=UTF-8', 'application/json', 'application/x-www-form-urlencoded', undefined])(
    'the type of the body does not matter: %s',
    async (type) => {
      expect(await post(one, { authorization: basic(SECRETS[0]!), 'content-type': type })).toMatchObject({ statusCode: 200 });
      expect(told).toEqual([['a.stl']]);
    },
  );

  test('a subscription is confirmed', async () => {
    expect(await post({ Type: 'SubscriptionConfirmation', SubscribeURL: 'https://x' })).toMatchObject({ statusCode: 200 });
    expect(confirmed).toEqual(['https://x']);
  });

  test.each<[string, () => string | Promise<string>]>([
    ['Basic', () => basic(SECRETS[0]!)],
    ['Basic, the second secret', () => basic(SECRETS[1]!)],
    ['Bearer', () => `Bearer ${Buffer.from(SECRETS[0]!.replaceAll(' ', '-')).toString()}`],
    ['the token of a service', async () => `Bearer ${await tokenFor({ role: 'service' })}`],
    ['the token of an operator', async () => `Bearer ${await tokenFor({ role: 'operator' })}`],
  ])('%s is enough', async (name, authorization) => {
    if (name === 'Bearer') {
      await app.close();
      await start({ secrets: [SECRETS[0]!.replaceAll(' ', '-')] });
    }
    expect(await post(one, { authorization: await authorization() })).toMatchObject({ statusCode: 200 });
  });

  test.each<[string, number, () => string | undefined | Promise<string>]>([
    ['nothing', 401, () => undefined],
    ['a wrong password', 401, () => basic('a secret of the storf')],
    ['no password', 401, () => 'Basic c3RvcmU='],
    ['an empty one', 401, () => basic('')],
    ['a part of one', 401, () => basic(SECRETS[0]!.slice(0, -1))],
    ['a token of somebody else', 401, () => tokenFor({ role: 'service' }, { secret: 'x'.repeat(32) })],
    ['the secret under another scheme', 401, () => `Digest ${SECRETS[0]!}`],
    ['the token of a partner', 403, async () => `Bearer ${await tokenFor({ role: 'partner', partnerId: 'partner-a' })}`],
  ])('%s is refused with %i before the body is read', async (_name, status, authorization) => {
    const given = await authorization();
    const response = await post('x'.repeat(10_000), { ...(given !== undefined && { authorization: given }) });
    expect(response.statusCode).toBe(status);
    if (status === 401) expect(response.headers['www-authenticate']).toBe('Basic realm="mes-gateway events"');
    expect(told).toEqual([]);
  });

  test('two headers "Authorization" are refused, whichever would do', async () => {
    await app.listen({ host: '127.0.0.1', port: 0 });
    const port = (app.addresses()[0] as { port: number }).port;
    for (const pair of [SECRETS, [SECRETS[0]!, 'wrong'], ['wrong', SECRETS[0]!]]) {
      const lines = pair.map((each) => `Authorization: ${basic(each)}\r\n`).join('');
      const body = json(one);
      const head = `POST /events/s3 HTTP/1.1\r\nHost: localhost\r\n${lines}Connection: close\r\nContent-Length: ${body.length}\r\n\r\n`;
      const said = await sendRaw({ port }, head + body);
      expect(said).toMatch(/^HTTP\/1\.1 400 /);
      expect(said).toContain('The header \\"Authorization\\" must come once.');
    }
    expect(told).toEqual([]);
  });

  test('without secrets, no password is right', async () => {
    await app.close();
    await start({ secrets: [] });
    for (const password of ['', 'undefined'])
      expect(await post(one, { authorization: basic(password) })).toMatchObject({ statusCode: 401 });
  });

  test.each([
    ['malformed', '{', 400],
    ['too large', ' '.repeat(5_000), 413],
  ])('%s: %i', async (_name, body, status) => {
    expect(await post(body)).toMatchObject({ statusCode: status });
  });
});
