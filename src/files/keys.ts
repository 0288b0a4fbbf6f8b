import { encodeFilePath } from './path.js';

/** Where the store keeps a file: metadata and, for small ones, bytes. */
export function fileKey(path: string): string {
  return `file:${path}`;
}

/** Encoded, because a brace would be read as a hash tag by a Redis Cluster. */
export function fileTokenKey(path: string): string {
  return `token:file:${encodeFilePath(path)}`;
}

/** Where the store keeps whether a partner has an order that names a file. */
export function ownFileKey(partnerId: string, path: string): string {
  return `file-of:${encodeURIComponent(partnerId)}:${path}`;
}

export function ownFileTokenKey(partnerId: string, path: string): string {
  return `token:file-of:${encodeURIComponent(partnerId)}:${encodeFilePath(path)}`;
}
