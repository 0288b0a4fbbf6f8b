import { GatewayError } from '../errors.js';
import type { UrlSigner } from '../files/signed-url.js';

/** What a signed URL permits: its one file, on behalf of the scope it was made for. */
export interface SignedAccess {
  readonly scope: string | undefined;
}

/**
 * The permission that a request's URL itself carries.
 *
 * @param target the request target as it arrived, query included
 * @param path the file that it asks for
 * @returns `null` if the URL is not signed, so that the caller looks for other credentials
 * @throws GatewayError UNAUTHENTICATED if it is signed, but for something else, or too long ago
 */
export function signedAccess(signer: UrlSigner, target: string, path: string): SignedAccess | null {
  const query = /\?([^#]*)/.exec(target)?.[1] ?? '';
  switch (signer.verify(path, query)) {
    case 'absent':
      return null;
    case 'valid':
      return { scope: new URLSearchParams(query).get('scope') ?? undefined };
    case 'expired':
      throw new GatewayError('UNAUTHENTICATED', 'This URL has expired; ask for a new one.');
    case 'invalid':
      throw new GatewayError('UNAUTHENTICATED', 'The signature does not belong to this URL.');
  }
}
