/**
 * For `node --import`: breaks the compiled gateway on purpose, by the name in CHECKER_BUG. The product has no switch for
 * any of this; each bug takes the place of a method.
 */
import { tokenOf } from '../../dist/cache/entry.js';
import { Filler } from '../../dist/cache/filler.js';
import { Flights } from '../../dist/cache/flights.js';
import { KeyvStore } from '../../dist/cache/keyv-store.js';
import { Lookup } from '../../dist/cache/lookup.js';
import { ReadThrough } from '../../dist/cache/read-through.js';
import { OutboxLog } from '../../dist/sources/outbox-log.js';
import { RENEWAL_BUGS, replace } from './planted.mjs';

/** The rows of the outbox that are numbered above the last one of the position `since`. */
async function rowsAbove(log, since) {
  const after = since?.split(' ')[1] ?? '0';
  const [row] = await log.query(
    `select pg_current_snapshot()::text as snapshot, coalesce(max(id), $1::bigint)::text as last, count(*)::float8 as size
     from orders_outbox where id > $1::bigint`,
    [after],
  );
  const size = row.size > 0 ? Infinity : 0;
  return { since: '1:1:', snapshot: row.snapshot, size, age: 0, after: BigInt(after), last: BigInt(row.last) };
}

const BUGS = {
  ...RENEWAL_BUGS,

  /** An entry is stamped with the token that is current when its load has ended. */
  'token-after-load': () =>
    replace(
      Filler,
      'load',
      (load) =>
        async function (fills, trace) {
          const values = await load.call(this, fills, trace);
          const read = await this.parts.reader.read(fills.map(({ slot }) => slot.tokenKey));
          for (const { slot, flight } of fills) {
            if (read.kind !== 'read' || slot.token === undefined) continue;
            slot.token = flight.token = tokenOf(read.epoch, read.get(slot.tokenKey));
          }
          return values;
        },
    ),

  /** What is in memory is used until it expires, whatever its token is. */
  'trust-memory': () =>
    replace(
      Lookup,
      'find',
      (find) =>
        async function (keys, trace) {
          const slots = await find.call(this, keys, trace);
          for (const slot of slots) {
            const entry = this.parts.memory.get(slot.tokenKey);
            if (!entry || entry.expiresAt <= this.parts.time.now()) continue;
            slot.hit = entry;
            slot.answer = { value: entry.value, loadedAt: entry.loadedAt, outcome: 'hit-memory' };
          }
          return slots;
        },
    ),

  /** A reader joins any load of its key, also one that began before a change that it must see. */
  'join-any-load': () =>
    replace(
      Flights,
      'joinable',
      () =>
        function (key) {
          return this.byKey.get(key);
        },
    ),

  /** A refresh fills the slot of the reader that was answered from it: where it waits for another process, that answer lands. */
  'refresh-with-answer': () =>
    replace(
      ReadThrough,
      'refresh',
      () =>
        function (slots) {
          const fills = slots
            .filter(({ tokenKey }) => !this.flights.find(tokenKey))
            .map((slot) => ({ slot, flight: this.flights.start(slot.tokenKey, slot.token) }));
          for (const { flight } of fills) flight.result.catch(() => undefined);
          if (fills.length > 0) void this.filler.fill(fills, { storeRoundTrip: () => undefined, sqlStatement: () => undefined });
        },
    ),

  /** Every life of the store counts as the same one, so that what an old snapshot brings back is believed. */
  resurrect: () =>
    replace(
      KeyvStore,
      'inOneEpoch',
      (inOneEpoch) =>
        function (request) {
          return inOneEpoch.call(this, () => request('for ever'));
        },
    ),

  /** The feed goes on after the greatest number that it has seen, and passes over what is committed late. */
  'feed-by-number': () => {
    replace(
      OutboxLog,
      'read',
      () =>
        async function (since) {
          const head = await rowsAbove(this, since);
          return { snapshot: `${head.snapshot} ${head.last}`, age: 0, pages: this.pages(head) };
        },
    );
    replace(
      OutboxLog,
      'isBehind',
      () =>
        async function (position) {
          return (await rowsAbove(this, position)).size > 0;
        },
    );
  },
};

const name = process.env.CHECKER_BUG;
if (name) {
  if (!BUGS[name]) throw new Error(`CHECKER_BUG must be one of ${Object.keys(BUGS).join(', ')}, but got: ${name}`);
  BUGS[name]();
}
