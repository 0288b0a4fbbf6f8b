import { createServer, type Server } from 'node:net';
import type { AddressInfo } from 'node:net';
import { DeleteObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import type { FileSource } from '../src/files/file.js';
import { createS3Files } from '../src/sources/s3-files.js';
import { fileSourceConformance } from './conformance/file-source.js';
import { becomeClientOf, s3Client, type S3Address } from './support/servers/s3.js';
import { describeWith, sharedS3 } from './support/servers/shared.js';

describeWith('s3')('files in S3', () => {
  let restore = (): void => undefined;
  let bucket: string;
  let address: S3Address;
  let client: S3Client;
  let source: FileSource;

  beforeAll(async () => {
    const shared = sharedS3();
    address = shared;
    restore = becomeClientOf(address);
    bucket = await shared.newBucket();
    client = s3Client(address);
    source = createS3Files({ ...address, bucket, forcePathStyle: true });
  });

  afterAll(async () => {
    await source.close();
    client.destroy();
    restore();
  });

  const put = async (path: string, Body: Buffer, ContentType?: string): Promise<void> => {
    await client.send(new PutObjectCommand({ Bucket: bucket, Key: path, Body, ...(ContentType && { ContentType }) }));
  };

  fileSourceConformance('S3', () => ({
    source,
    put,
    remove: async (path) => {
      await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: path }));
    },
  }));

  test('the type that was stored wins over the extension, unless a browser would run it', async () => {
    await put('typed.stl', Buffer.from('x'), 'model/x.stl-binary');
    expect(await source.head('typed.stl')).toMatchObject({ contentType: 'model/x.stl-binary' });
    await put('active.stl', Buffer.from('x'), 'text/html');
    expect(await source.head('active.stl')).toMatchObject({ contentType: 'application/octet-stream' });
  });

  test('a presigned URL gives the bytes and the name to anyone', async () => {
    await put('модели/кольцо 17.stl', Buffer.from('ring'));
    const response = await fetch((await source.presign('модели/кольцо 17.stl', 60)) ?? '');
    expect(await response.text()).toBe('ring');
    expect(response.headers.get('content-disposition')).toContain(`filename*=UTF-8''${encodeURIComponent('кольцо 17.stl')}`);
  });

  describe('a store that fails is not a missing file', () => {
    const sources: FileSource[] = [];
    const servers: Server[] = [];
    const failing = (options: Partial<Parameters<typeof createS3Files>[0]>): FileSource => {
      const made = createS3Files({ ...address, bucket, forcePathStyle: true, ...options });
      sources.push(made);
      return made;
    };
    const refuses = async (made: FileSource): Promise<void> => {
      const outage = { code: 'SOURCE_UNAVAILABLE', message: 'The file store does not answer at the moment; try again shortly.' };
      await expect(made.head('ring.stl')).rejects.toMatchObject(outage);
      await expect(made.open('ring.stl')).rejects.toMatchObject(outage);
    };

    afterEach(async () => {
      await Promise.all(sources.splice(0).map((made) => made.close()));
      servers.splice(0).forEach((server) => server.close());
    });

    test('it refuses the credentials', async () => {
      const { AWS_SECRET_ACCESS_KEY: secret } = process.env;
      process.env['AWS_SECRET_ACCESS_KEY'] = 'wrong';
      await refuses(failing({}));
      process.env['AWS_SECRET_ACCESS_KEY'] = secret;
    });

    test('it is not there', () => refuses(failing({ endpoint: 'http://127.0.0.1:9' })));

    test('the bucket is not there', async () => {
      const wrong = failing({ bucket: 'no-such-bucket' });
      await expect(wrong.open('ring.stl')).rejects.toMatchObject({ code: 'SOURCE_UNAVAILABLE' });
    });

    test('it takes the connection and stays silent', async () => {
      const silent = createServer().listen(0, '127.0.0.1');
      const sockets: { destroy(): void }[] = [];
      silent.on('connection', (socket) => sockets.push(socket));
      servers.push(silent);
      await new Promise((resolve) => silent.once('listening', resolve));
      const { port } = silent.address() as AddressInfo;
      await refuses(failing({ endpoint: `http://127.0.0.1:${port}`, requestTimeout: 100 }));
      sockets.forEach((socket) => socket.destroy());
    });
  });
});
