import { hkdfSync, randomBytes } from 'node:crypto';
import type { FastifyBaseLogger } from 'fastify';
import type { Config } from '../config.js';
import { demoSecret } from '../embedded/demo-secret.js';
import { createUrlSigner, type UrlSigner } from '../files/signed-url.js';
import type { DemoIdentity } from '../graphql/landing-page.js';
import { demoTokens } from '../http/demo-tokens.js';
import { createIdentity, type Identity } from '../http/identity.js';
import { systemTime } from '../time.js';

/** Shorter secrets of HS256 can be guessed from a token: RFC 7518 §3.2. */
const SECRET_MIN_BYTES = 32;

export interface OpenedAccess {
  readonly identity: Identity;
  readonly signer: UrlSigner;
  readonly demo: readonly DemoIdentity[];
}

/** Who callers are, and the URLs that speak for them. */
export async function openAccess({ auth, dataDir, files }: Config, log: FastifyBaseLogger): Promise<OpenedAccess> {
  const secret = auth.mode === 'demo' ? await demoSecret(dataDir) : auth.mode === 'secret' ? auth.secret : undefined;
  if (secret !== undefined && Buffer.byteLength(secret) < SECRET_MIN_BYTES) {
    log.warn(`AUTH_JWT_SECRET has fewer than ${SECRET_MIN_BYTES} bytes; a longer random one is safer`);
  }
  const keys = auth.mode === 'jwks' ? { jwksUrl: auth.url } : { secret: secret ?? '' };
  if (auth.mode === 'demo') {
    log.warn('DEMO: no authentication is configured, and tokens are for everyone on this machine; only loopback is served');
  }
  const expected = auth.mode === 'demo' ? {} : { issuer: auth.issuer, audience: auth.audience };
  const { clockTolerance, operatorsReadOnly } = auth;
  return {
    identity: createIdentity({ keys, ...expected, clockTolerance, operatorsReadOnly }),
    signer: createUrlSigner({ keys: signingKeys(files.urlSecrets, secret, log), clock: systemTime.now }),
    demo: auth.mode === 'demo' && secret !== undefined ? await demoTokens(secret) : [],
  };
}

/** Without secrets of their own, URLs are signed by a key derived from the token secret (RFC 5869), the same in all instances. */
function signingKeys(configured: readonly string[] | undefined, secret: string | undefined, log: FastifyBaseLogger): Buffer[] {
  if (configured) return configured.map((each) => Buffer.from(each));
  if (secret !== undefined) return [Buffer.from(hkdfSync('sha256', secret, '', 'mes-gateway file URLs', 32))];
  log.warn('FILE_URL_SECRETS is not set: file URLs work only at the instance that made them, until it restarts');
  return [randomBytes(32)];
}
