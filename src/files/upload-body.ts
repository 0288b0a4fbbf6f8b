import { pipeline, type Readable, type Transform } from 'node:stream';
import { GatewayError } from '../errors.js';
import type { Bytes } from '../units.js';
import { exactLength } from './exact-length.js';

/**
 * `body` as a store may take it: its last bytes come only when it has ended and was `size` bytes long, so that a body which
 * fails or is of another length never looks whole to the store.
 *
 * The stream's error is that of `body`, or a GatewayError BAD_USER_INPUT. Destroying it destroys `body`.
 */
export function uploadBody(body: Readable, size: Bytes): Transform {
  const checked = exactLength(size, wrongLength);
  pipeline(body, checked, () => undefined);
  return checked;
}

function wrongLength(expected: Bytes, received: string): Error {
  return new GatewayError('BAD_USER_INPUT', `The file must be ${expected} bytes long, but got: ${received}`);
}
