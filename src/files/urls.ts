import type { Seconds } from '../units.js';
import { encodeFilePath } from './path.js';
import { checkExpiresIn, type UrlSigner } from './signed-url.js';

/** Makes URLs that open one file until they expire. */
export interface FileUrls {
  /** The gateway's own. @throws GatewayError BAD_USER_INPUT for `expiresIn` out of range */
  gateway(path: string, expiresIn: Seconds): string;
  /** The store's, or the gateway's where the store has none. @throws GatewayError BAD_USER_INPUT, SOURCE_UNAVAILABLE */
  store(path: string, expiresIn: Seconds): Promise<string>;
}

export interface FileUrlParts {
  /** Scheme, host and port at which this caller reaches the gateway, without a slash at the end. */
  readonly base: string;
  /** On whose behalf the URL is made. */
  readonly scope: string;
  readonly signer: UrlSigner;
  readonly presign: (path: string, expiresIn: Seconds) => Promise<string | null>;
}

export function createFileUrls({ base, scope, signer, presign }: FileUrlParts): FileUrls {
  const gateway = (path: string, expiresIn: Seconds) =>
    `${base}/files/${encodeFilePath(path)}?${signer.sign(path, { expiresIn: checkExpiresIn(expiresIn), scope })}`;
  return {
    gateway,
    store: async (path, expiresIn) => (await presign(path, checkExpiresIn(expiresIn))) ?? gateway(path, expiresIn),
  };
}
