import { pipeline, type Readable, type Transform } from 'node:stream';
import { GatewayError } from '../errors.js';
import type { Bytes } from '../units.js';
import { exactLength } from './exact-length.js';

/**
 * `body` as a store may take it: its last bytes come only when it has ended and was `size` bytes long, so that a body which
 * fails or is of another length never looks whole to the store; and not before `beforeLast` resolves, if that is given.
 *
 * The stream's error is that of `body`, or a GatewayError BAD_USER_INPUT. Destroying it destroys `body`.
 */
export function uploadBody(body: Readable, size: Bytes, beforeLast?: () => Promise<void>): Transform {
  const checked = exactLength(size, wrongLength, beforeLast);
  pipeline(body, checked, () => undefined);
  return checked;
}

function wrongLength(expected: Bytes, received: string): Error {
  return new GatewayError('BAD_USER_INPUT', `The file must be ${expected} bytes long, but got: ${received}`);
}
