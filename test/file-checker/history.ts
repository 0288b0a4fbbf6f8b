import type { Bytes } from '../../src/units.js';
import { CALM_BOUND, DISTURBED_BOUND, REUSE_BOUND } from './bounds.js';
import { contentOf } from './content.js';

/** One version of a file. Times are of `performance.now()`; `Infinity`: not yet, or never. */
export interface Version {
  readonly number: number;
  /** `undefined`: there is no file. */
  readonly size: Bytes | undefined;
  readonly hash: string | undefined;
  /** From when on somebody may have seen it. */
  readonly sentAt: number;
  /** From when on it was in the store for sure. */
  storedAt: number;
  etag: string | undefined;
  /** When a gateway acknowledged it, and which incarnation did. */
  acknowledgedAt: number;
  by: string | undefined;
  /** From when on its renewal is known to have reached Redis. */
  renewedAt: number;
  /** It never got into the store. */
  isVoid: boolean;
}

/** All that is known of one file. */
export interface FileHistory {
  readonly path: string;
  /** Of its bytes. */
  readonly seed: number;
  /** Oldest first; the number of a version is its place, from 1 on. */
  readonly versions: Version[];
  /** One change at a time, so that its history is a line. */
  busy: boolean;
}

export interface Asked {
  readonly began: number;
  readonly ended: number;
  /** The incarnation that was asked. */
  readonly by: string;
  /** Whether Redis answered all its requests meanwhile. */
  readonly storeAnswered: boolean;
  /** Whether anything was disturbed in a time. */
  readonly disturbed: (from: number, to: number) => boolean;
  /** Whether the store of files was. */
  readonly originDisturbed: (from: number, to: number) => boolean;
}

/** The versions that may be answered: from the newest one that must be seen by then, to the newest that can be. */
export function validVersions({ versions }: FileHistory, asked: Asked): Version[] {
  const floor = versions.findLastIndex((version) => !version.isVoid && dueAt(version, asked) <= asked.began);
  return versions.slice(Math.max(0, floor)).filter(({ isVoid, sentAt }) => !isVoid && sentAt <= asked.ended);
}

/** From when on the version, or a newer one, must be seen. */
export function dueAt(version: Version, asked: Asked): number {
  const { storedAt, acknowledgedAt, renewedAt, by } = version;
  const bound = asked.disturbed(storedAt, asked.ended) ? DISTURBED_BOUND : CALM_BOUND;
  const late = asked.storeAnswered ? 0 : lateness(asked);
  const own = by === asked.by ? acknowledgedAt : Infinity;
  return Math.min(storedAt + bound, own, renewedAt + late);
}

/** A gateway that does not reach Redis hears nothing of what others acknowledge; its own memory stands in for a store that is away too. */
function lateness({ originDisturbed, began, ended }: Asked): number {
  return originDisturbed(began - REUSE_BOUND, ended) ? DISTURBED_BOUND : REUSE_BOUND;
}

/** The version that is in the store now, as far as is known. */
export function currentOf({ versions }: FileHistory): Version | undefined {
  return versions.findLast(({ isVoid, storedAt }) => !isVoid && storedAt < Infinity);
}

/** Its bytes from `start` to before `end`. */
export function sliceOf({ seed }: FileHistory, { number }: Version, start: Bytes, end: Bytes): Buffer {
  return contentOf(seed, number, start, end);
}

/** What is known of a file, for a person. */
export function describeHistory({ path, versions }: FileHistory): string[] {
  const at = (time: number): string => (time === Infinity ? 'never' : `${time.toFixed(1)} ms`);
  const lines = versions
    .slice(-6)
    .map(
      ({ number, size, etag, sentAt, storedAt, acknowledgedAt, by, renewedAt, isVoid }) =>
        `  version ${number}${isVoid ? ' (never stored)' : ''}: ${size === undefined ? 'no file' : `${size} bytes, ETag ${etag ?? 'not known'}`}, ` +
        `sent ${at(sentAt)}, stored ${at(storedAt)}, acknowledged ${at(acknowledgedAt)} by ${by ?? 'nobody'}, renewed ${at(renewedAt)}`,
    );
  return [`file ${path}, ${versions.length} versions`, ...lines];
}
