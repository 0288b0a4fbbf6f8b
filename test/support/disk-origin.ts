import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { FileChangedError, type ByteRange, type FileMetadata, type FileSource } from '../../src/files/file.js';
import type { Bytes } from '../../src/units.js';
import { bytesOf, metadataOf } from './disk-world.js';

const PIECE: Bytes = 20_000;

/** A store that several processes read, over HTTP. */
export interface SharedOrigin {
  readonly url: string;
  /** `start` and `end` of each read, in their order. */
  readonly reads: ByteRange[];
  /** Sent to whoever asked. */
  bytes: Bytes;
  /** No read of now or later sends a byte at or behind this place, until it is raised. */
  stopAt: Bytes;
  put(path: string, version: number, size: Bytes): FileMetadata;
  close(): Promise<void>;
}

export async function startSharedOrigin(): Promise<SharedOrigin> {
  const files = new Map<string, { etag: string; bytes: Buffer }>();
  const server = createServer((request, response) => {
    response.on('error', () => undefined);
    answer(request, response).catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const origin: SharedOrigin = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    reads: [],
    bytes: 0,
    stopAt: Infinity,
    put: (path, version, size) => {
      const metadata = metadataOf(path, version, size);
      files.set(`/${path}`, { etag: metadata.etag, bytes: bytesOf(path, version, size) });
      return metadata;
    },
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };

  async function answer({ url = '', headers }: IncomingMessage, response: ServerResponse): Promise<void> {
    const file = files.get(url);
    if (!file) return void response.writeHead(404).end();
    if (headers['if-match'] !== file.etag) return void response.writeHead(412).end();
    const [, start = '0', last = String(file.bytes.length - 1)] = /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? '') ?? [];
    const end = Number(last) + 1;
    origin.reads.push({ start: Number(start), end: end - 1 });
    response.writeHead(headers.range === undefined ? 200 : 206, { etag: file.etag, 'x-size': file.bytes.length });
    for (let at = Number(start); at < end && !response.destroyed;) {
      const piece = file.bytes.subarray(at, Math.min(end, at + PIECE, Math.max(at, origin.stopAt)));
      if (piece.length > 0) response.write(piece);
      at += piece.length;
      origin.bytes += piece.length;
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    response.end();
  }
  return origin;
}

/** The store as a process sees it. */
export function sharedSource(url: string): Pick<FileSource, 'open'> {
  return {
    open: async (path, { range, ifMatch, signal } = {}) => {
      const response = await fetch(`${url}/${path}`, {
        headers: {
          ...(ifMatch !== undefined && { 'if-match': ifMatch }),
          ...(range && { range: `bytes=${range.start}-${range.end}` }),
        },
        ...(signal && { signal }),
      });
      if (response.status === 404) return null;
      if (!response.ok || !response.body) throw new FileChangedError(String(response.status));
      const version = Number(response.headers.get('etag')?.slice(1, -1));
      const body = Readable.fromWeb(response.body as Parameters<typeof Readable.fromWeb>[0]);
      return { metadata: metadataOf(path, version, Number(response.headers.get('x-size'))), body };
    },
  };
}
