/** Where the store keeps a file: metadata and, for small ones, bytes. */
export function fileKey(path: string): string {
  return `file:${path}`;
}

export function fileTokenKey(path: string): string {
  return `token:file:${path}`;
}

/** Where the store keeps the partners whose orders name a file. */
export function fileOwnersKey(path: string): string {
  return `file-owners:${path}`;
}

export function fileOwnersTokenKey(path: string): string {
  return `token:file-owners:${path}`;
}
