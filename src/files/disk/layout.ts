import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { KIB, type Bytes } from '../../units.js';

/**
 * A version of a file on disk: a header of 4 KiB, a map with a record of 8 bytes for each slice, then the bytes of the
 * version, sparse, at the next multiple of 4 KiB.
 */
export const SLICE: Bytes = 64 * KIB;
const BLOCK: Bytes = 4 * KIB;
export const HEADER: Bytes = BLOCK;
export const RECORD: Bytes = 8;

/** What bytes are of: they never change under one of these. */
export interface Version {
  readonly path: string;
  readonly etag: string;
  readonly size: Bytes;
}

/** Slices by index, inclusive on both ends. */
export interface Slices {
  readonly first: number;
  readonly last: number;
}

/** The name of a version's file. */
export function identityOf({ path, etag }: Pick<Version, 'path' | 'etag'>): string {
  return createHash('sha256').update(`${path}\0${etag}`).digest('hex');
}

export function sliceCount(size: Bytes): number {
  return Math.ceil(size / SLICE);
}

/** The bytes of the version's `slice`-th slice; the last one may be shorter than `SLICE`. */
export function sliceLength(size: Bytes, slice: number): Bytes {
  return Math.min(SLICE, size - slice * SLICE);
}

/** Where the version's first byte is. */
export function dataOffset(size: Bytes): Bytes {
  return Math.ceil((HEADER + RECORD * sliceCount(size)) / BLOCK) * BLOCK;
}

/** What a complete file takes on disk. */
export function spaceOf(size: Bytes): Bytes {
  return dataOffset(size) + Math.ceil(size / BLOCK) * BLOCK;
}

/** Names the format too: another format has another magic. */
const MAGIC = Buffer.from('mesfile1');
const CHECKSUM_AT = MAGIC.length;
const LENGTH_AT = CHECKSUM_AT + 4;
const JSON_AT = LENGTH_AT + 4;

/** `null`: the path and ETag are too long for a header. */
export function encodeHeader({ path, etag, size }: Version): Buffer | null {
  const json = Buffer.from(JSON.stringify({ path, etag, size }));
  if (json.length > HEADER - JSON_AT) return null;
  const header = Buffer.alloc(HEADER);
  MAGIC.copy(header);
  header.writeUInt32LE(json.length, LENGTH_AT);
  json.copy(header, JSON_AT);
  header.writeUInt32LE(crc32(header.subarray(LENGTH_AT)), CHECKSUM_AT);
  return header;
}

/** Whether `header` is whole and of `version`: each version has only one header. */
export function isHeaderOf(version: Version, header: Buffer): boolean {
  return encodeHeader(version)?.equals(header) ?? false;
}

/**
 * The checksum of a slice, seeded by what it is of, so that the bytes of another version or another place never pass.
 * @param seed of the version: `crc32` of its identity
 */
export function checksum(bytes: Buffer, seed: number, slice: number): number {
  return crc32(bytes, crc32(String(slice), seed));
}

/** A record is valid only if its halves are complements, so that neither zeros nor a torn write pass for one. */
export function writeRecord(map: Buffer, slice: number, sum: number): void {
  map.writeUInt32LE(sum, slice * RECORD);
  map.writeUInt32LE(~sum >>> 0, slice * RECORD + 4);
}

/** The checksum that the map has for `slice`, or `undefined` if it has none. */
export function readRecord(map: Buffer, slice: number): number | undefined {
  const sum = map.readUInt32LE(slice * RECORD);
  return map.readUInt32LE(slice * RECORD + 4) === ~sum >>> 0 ? sum : undefined;
}
