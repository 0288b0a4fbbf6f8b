import type { Bytes } from '../../src/units.js';

export interface Place {
  readonly port: number;
  readonly folder: string;
}

export interface ProxyCacheOptions {
  /** URL of the bucket. */
  readonly origin: string;
  readonly maxBytes: Bytes;
  /** Ranges of this size are fetched and kept, instead of whole files. */
  readonly slice?: '1m';
  /** A file is kept from this request for it on; nginx's default is 1. */
  readonly minUses?: number;
}

const COMMON = 'sendfile on; keepalive_requests 1000000; types { model/stl stl; } default_type application/octet-stream;';

/**
 * A cache as nginx's documentation sets one up, made generous where that helps it: no file ages, those who wait for a fill wait
 * for a minute instead of 5 s. It logs each request, as the gateway does.
 */
export function proxyCache({ port, folder }: Place, { origin, maxBytes, slice, minUses = 1 }: ProxyCacheOptions): string {
  const sliced = slice === undefined ? '' : `slice ${slice}; proxy_set_header Range $slice_range;`;
  return `
    ${COMMON}
    proxy_cache_path ${folder}/cache levels=1:2 keys_zone=files:10m max_size=${maxBytes} inactive=1d use_temp_path=off;
    upstream origin { server ${new URL(origin).host}; keepalive 64; }
    server {
      listen 127.0.0.1:${port};
      access_log ${folder}/access.log;
      location /files/ {
        proxy_pass http://origin${new URL(origin).pathname}/;
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        proxy_cache files;
        proxy_cache_key $uri${slice === undefined ? '' : '$slice_range'};
        proxy_cache_valid 200 206 1d;
        proxy_cache_min_uses ${minUses};
        proxy_cache_lock on;
        proxy_cache_lock_timeout 60s;
        proxy_cache_lock_age 60s;
        ${sliced}
      }
    }`;
}

/** Files of a folder, by sendfile: what a file server can do on this machine. */
export function staticFiles({ port, folder }: Place, files: string): string {
  return `
    ${COMMON}
    server {
      listen 127.0.0.1:${port};
      access_log ${folder}/access.log;
      location /files/ { alias ${files}/; }
    }`;
}
