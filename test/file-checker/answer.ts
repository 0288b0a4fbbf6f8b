import type { FileResponse } from './http-client.js';
import type { Seen } from './judge.js';
import type { Wish } from './requests.js';

/** What an answer says; a text: why it is none that its request can have. `undefined`: it failed. */
export function seenIn(wish: Wish, response: FileResponse): Seen | string | undefined {
  const { status, headers, body, isWhole, hasLeft } = response;
  const what = `${wish.kind} (${JSON.stringify(wish.headers)}) answered ${status ?? 'nothing'}, ${headers['cache-status'] ?? ''}`;
  const etag = headers.etag;
  const whole = isWhole || hasLeft;
  switch (status) {
    case 200: {
      const size = Number(headers['content-length']);
      if (wish.method === 'HEAD') return whole ? { what, exists: true, etag, size } : undefined;
      if (isWhole && body.length !== size) return `${body.length} bytes arrived of a Content-Length of ${size}`;
      return { what, exists: true, etag, size, bytes: { start: 0, content: body } };
    }
    case 206:
      return partial(what, wish, response);
    case 304:
      if (wish.ifNoneMatch === undefined) return 'a 304 to a request without a condition';
      return etag === undefined || etag === wish.ifNoneMatch
        ? { what, exists: true, etag: wish.ifNoneMatch }
        : `a 304 with the ETag ${etag} to If-None-Match ${wish.ifNoneMatch}`;
    case 404:
      return isWhole ? { what, exists: false } : undefined;
    case 416: {
      const size = Number(/^bytes \*\/(\d+)$/.exec(headers['content-range'] ?? '')?.[1]);
      if (!wish.range || wish.range(size)) return `a 416 for a file of ${size} bytes`;
      return { what, exists: true, size };
    }
    default:
      return undefined;
  }
}

function partial(what: string, wish: Wish, { headers, body, isWhole }: FileResponse): Seen | string {
  const [, first, last, all] = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(headers['content-range'] ?? '') ?? [];
  const [start, end, size] = [Number(first), Number(last), Number(all)];
  const wanted = wish.range?.(size);
  const { etag } = headers;
  if (wanted?.start !== start || wanted.end !== end) return `Content-Range ${headers['content-range'] ?? '(none)'}`;
  if (wish.ifRange !== undefined && etag !== wish.ifRange) return `a 206 of ${etag ?? '(none)'} to If-Range ${wish.ifRange}`;
  if (isWhole && body.length !== end - start + 1) return `${body.length} bytes arrived of ${headers['content-range'] ?? ''}`;
  return { what, exists: true, etag, size, bytes: { start, content: body } };
}

/** Where the bytes came from, as `Cache-Status` has it. */
export function tierOf({ headers }: FileResponse): string | undefined {
  const status = headers['cache-status'];
  return /detail=([a-z0-9-]+)/.exec(status ?? '')?.[1] ?? status;
}
