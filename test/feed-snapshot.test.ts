import fc from 'fast-check';
import { covers, isVisible, parseSnapshot } from '../src/changes/snapshot.js';
import { queryOnce } from './support/servers/postgres.js';
import { describeWith, sharedPostgres } from './support/servers/shared.js';

/** Transactions of a small world, so that snapshots overlap. */
const FIRST = 100;
const LAST = 112;
const XIDS = Array.from({ length: LAST - FIRST + 1 }, (_, index) => FIRST + index);

/** `xmin:xmax:xip`, as Postgres would write it: xmin is the oldest in progress, and xmax too where none is. */
const anySnapshot = fc.tuple(fc.integer({ min: FIRST + 1, max: LAST }), fc.subarray(XIDS)).map(([xmax, some]) => {
  const inProgress = some.filter((xid) => xid < xmax);
  return `${inProgress[0] ?? xmax}:${xmax}:${inProgress.join(',')}`;
});

describe('a snapshot', () => {
  test('covers another when it sees all that the other sees', () => {
    fc.assert(
      fc.property(anySnapshot, anySnapshot, (a, b) => {
        const [first, second] = [parseSnapshot(a), parseSnapshot(b)];
        const expected = XIDS.every((xid) => !isVisible(BigInt(xid), second) || isVisible(BigInt(xid), first));
        expect({ a, b, covers: covers(first, second) }).toEqual({ a, b, covers: expected });
      }),
      { numRuns: 2_000 },
    );
  });

  test('leaves out what a log adds', () => {
    expect(parseSnapshot('7:9:7,8 1753370000000')).toEqual({ xmin: 7n, xmax: 9n, inProgress: new Set([7n, 8n]) });
    expect(parseSnapshot('7:7:')).toEqual({ xmin: 7n, xmax: 7n, inProgress: new Set() });
  });

  test.each(['', '7', '7:8', 'a:b:', '7:8:x', '7:8:7;drop'])('is not %j', (text) => {
    expect(() => parseSnapshot(text)).toThrow(RangeError);
  });
});

describeWith('postgres')('beside Postgres', () => {
  test('the same transactions are visible', async () => {
    const snapshots = fc.sample(anySnapshot, 200);
    const rows = await queryOnce(
      sharedPostgres().url,
      `select snapshot, xid::text, pg_visible_in_snapshot(xid::text::xid8, snapshot::pg_snapshot) as visible
       from unnest($1::text[]) snapshot, generate_series(${FIRST - 2}, ${LAST + 2}) xid`,
      [snapshots],
    );
    const ours = rows.map((row) => isVisible(BigInt(String(row['xid'])), parseSnapshot(String(row['snapshot']))));
    expect(ours).toEqual(rows.map((row) => row['visible']));
    expect(new Set(ours).size).toBe(2);
  });

  test('a snapshot of Postgres is read', async () => {
    const [row] = await queryOnce(
      sharedPostgres().url,
      `select pg_current_snapshot()::text as text, pg_snapshot_xmin(pg_current_snapshot())::text as xmin, pg_snapshot_xmax(pg_current_snapshot())::text as xmax`,
    );
    const { xmin, xmax } = parseSnapshot(String(row!['text']));
    expect([xmin, xmax].map(String)).toEqual([row!['xmin'], row!['xmax']]);
  });
});
