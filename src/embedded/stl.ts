import { open, rename, rm } from 'node:fs/promises';
import type { Bytes } from '../units.js';
import { draftOf } from './drafts.js';

export interface Point {
  readonly x: number;
  readonly y: number;
  readonly z: number;
}

/** Takes the corners of one triangle, counterclockwise when looked at from outside. */
export type EmitTriangle = (a: Point, b: Point, c: Point) => void;

/** A closed surface in millimetres, made piece by piece, so that a fine one is never in memory as a whole. */
export interface Surface {
  readonly pieces: number;
  emit(piece: number, emit: EmitTriangle): void;
}

const HEADER: Bytes = 80;
const PREAMBLE: Bytes = HEADER + 4;
const TRIANGLE: Bytes = 50;
const CHUNK_TRIANGLES = 16_384;

/**
 * Writes a binary STL (little-endian; 80 bytes of header, the number of triangles, then for each its normal, three corners
 * and an empty attribute) to a temporary name beside `file`, then renames it.
 *
 * @param title ASCII, at most 80 characters; must not begin with "solid", which marks the text form
 * @returns the number of triangles
 */
export async function writeStl(file: string, title: string, surface: Surface): Promise<number> {
  const draft = draftOf(file);
  const handle = await open(draft, 'w');
  try {
    const chunk = new TriangleBuffer();
    let [position, triangles] = [PREAMBLE, 0];
    const flush = async (): Promise<void> => {
      const bytes = chunk.take();
      await handle.write(bytes, 0, bytes.length, position);
      position += bytes.length;
      triangles += bytes.length / TRIANGLE;
    };
    for (let piece = 0; piece < surface.pieces; piece += 1) {
      surface.emit(piece, (a, b, c) => chunk.add(a, b, c));
      if (chunk.count >= CHUNK_TRIANGLES) await flush();
    }
    await flush();
    await handle.write(preamble(title, triangles), 0, PREAMBLE, 0);
    await handle.close();
    await rename(draft, file);
    return triangles;
  } finally {
    await handle.close().catch(() => undefined);
    await rm(draft, { force: true });
  }
}

function preamble(title: string, triangles: number): Buffer {
  const bytes = Buffer.alloc(PREAMBLE);
  bytes.write(title, 0, HEADER, 'latin1');
  bytes.writeUInt32LE(triangles, HEADER);
  return bytes;
}

/** Encoded triangles, in one growing buffer that is used again after each `take`. */
class TriangleBuffer {
  count = 0;
  #view = new DataView(new ArrayBuffer(2 * CHUNK_TRIANGLES * TRIANGLE));

  add(a: Point, b: Point, c: Point): void {
    if ((this.count + 1) * TRIANGLE > this.#view.byteLength) this.#grow();
    const offset = this.count * TRIANGLE;
    this.#write(offset, facetNormal(a, b, c));
    this.#write(offset + 12, a);
    this.#write(offset + 24, b);
    this.#write(offset + 36, c);
    this.count += 1;
  }

  /** What was added since the last call; valid until the next `add`. */
  take(): Uint8Array {
    const bytes = new Uint8Array(this.#view.buffer, 0, this.count * TRIANGLE);
    this.count = 0;
    return bytes;
  }

  #write(offset: number, { x, y, z }: Point): void {
    // Adding 0 turns -0 into 0: one point has one spelling.
    this.#view.setFloat32(offset, x + 0, true);
    this.#view.setFloat32(offset + 4, y + 0, true);
    this.#view.setFloat32(offset + 8, z + 0, true);
  }

  #grow(): void {
    const larger = new Uint8Array(2 * this.#view.byteLength);
    larger.set(new Uint8Array(this.#view.buffer));
    this.#view = new DataView(larger.buffer);
  }
}

/** Of length 1, by the right-hand rule. */
function facetNormal(a: Point, b: Point, c: Point): Point {
  const [ux, uy, uz] = [b.x - a.x, b.y - a.y, b.z - a.z];
  const [vx, vy, vz] = [c.x - a.x, c.y - a.y, c.z - a.z];
  const [x, y, z] = [uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx];
  const length = Math.hypot(x, y, z) || 1;
  return { x: x / length, y: y / length, z: z / length };
}
