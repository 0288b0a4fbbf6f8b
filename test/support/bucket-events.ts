import { createHash, createHmac } from 'node:crypto';
import { PutBucketNotificationConfigurationCommand } from '@aws-sdk/client-s3';
import { s3Client, type S3Address } from './servers/s3.js';

/**
 * Makes the S3 store post its events of the keys in `bucket` that begin with `prefix` to `url`, whose user and password it sends along. The store waits for the
 * answer before it answers the request that changed the object.
 */
export async function sendBucketEvents(s3: S3Address, bucket: string, prefix: string, url: string): Promise<void> {
  const topic = await createTopic(s3, bucket, url);
  const client = s3Client(s3);
  try {
    const Events = ['s3:ObjectCreated:*', 's3:ObjectRemoved:*'] as const;
    const Filter = { Key: { FilterRules: [{ Name: 'prefix' as const, Value: prefix }] } };
    const TopicConfigurations = [{ Id: 'gateway', TopicArn: topic, Events: [...Events], Filter }];
    const NotificationConfiguration = { TopicConfigurations };
    await client.send(new PutBucketNotificationConfigurationCommand({ Bucket: bucket, NotificationConfiguration }));
  } finally {
    client.destroy();
  }
}

/** Ceph has SNS's CreateTopic at its own endpoint; no client of SNS is needed for one request. */
async function createTopic(s3: S3Address, name: string, pushEndpoint: string): Promise<string> {
  const entry = { 'Attributes.entry.1.key': 'push-endpoint', 'Attributes.entry.1.value': pushEndpoint };
  const body = new URLSearchParams({ Action: 'CreateTopic', Name: name, ...entry }).toString();
  const response = await fetch(s3.endpoint, { method: 'POST', headers: signedHeaders(s3, body), body });
  const text = await response.text();
  const arn = /<TopicArn>(.+)<\/TopicArn>/.exec(text)?.[1];
  if (arn === undefined) throw new Error(`the store made no topic: ${response.status} ${text}`);
  return arn;
}

/** AWS Signature Version 4 of a POST to `/`. */
function signedHeaders({ endpoint, region, accessKeyId, secretAccessKey }: S3Address, body: string): Record<string, string> {
  const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
  const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest();
  const date = new Date().toISOString().replace(/[-:]|\.\d+/g, '');
  const scope = `${date.slice(0, 8)}/${region}/s3/aws4_request`;
  const headers: Record<string, string> = {
    host: new URL(endpoint).host,
    'x-amz-content-sha256': sha256(body),
    'x-amz-date': date,
  };
  const names = Object.keys(headers).join(';');
  const lines = Object.entries(headers).map(([key, value]) => `${key}:${value}\n`);
  const canonical = ['POST', '/', '', lines.join(''), names, sha256(body)].join('\n');
  const key = scope.split('/').reduce<string | Buffer>(hmac, `AWS4${secretAccessKey}`);
  const signature = hmac(key, ['AWS4-HMAC-SHA256', date, scope, sha256(canonical)].join('\n')).toString('hex');
  return {
    ...headers,
    'content-type': 'application/x-www-form-urlencoded',
    // Ceph takes a password in a URL only by HTTPS; the test server believes this.
    'x-forwarded-proto': 'https',
    authorization: `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope}, SignedHeaders=${names}, Signature=${signature}`,
  };
}
