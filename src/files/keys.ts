import { encodeFilePath } from './path.js';

/** Where the store keeps a file: metadata and, for small ones, bytes. */
export function fileKey(path: string): string {
  return `file:${path}`;
}

/** Encoded, because a brace would be read as a hash tag by a Redis Cluster. */
export function fileTokenKey(path: string): string {
  return `token:file:${encodeFilePath(path)}`;
}

/** Where the store keeps the partners whose orders name a file. */
export function fileOwnersKey(path: string): string {
  return `file-owners:${path}`;
}

export function fileOwnersTokenKey(path: string): string {
  return `token:file-owners:${encodeFilePath(path)}`;
}
