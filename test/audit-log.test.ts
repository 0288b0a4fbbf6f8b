import fc from 'fast-check';
import type { Act, AuditEntry } from '../src/audit/audit.js';
import { decodeAuditCursor, encodeAuditCursor } from '../src/audit/cursor.js';
import { AuditLog } from '../src/sources/audit-log.js';
import { MesDatabase } from '../src/sources/mes-database.js';
import { audit } from '../src/sources/migrations/003-audit.js';
import { migrate, undoOutbox } from '../src/sources/migrations/migrate.js';
import { SECOND } from '../src/units.js';
import { outboxPlant } from './support/feed.js';
import { as } from './support/outbox.js';
import { freshPlant, type Plant } from './support/plant.js';
import { describeWith } from './support/servers/shared.js';

const log = (): void => undefined;
const ACT: Act = { viewer: { role: 'operator', subject: 'ada' }, requestId: 'request-1', way: 'MUTATION' };
const FILE = { path: 'models/a.stl', etagBefore: null, etagAfter: '"1"' };

describe('a cursor', () => {
  test('gives the place that it was made of; everything else is refused', () => {
    const digits = fc.nat({ max: 1e15 }).map(String);
    fc.assert(
      fc.property(digits, digits, (micros, id) => {
        expect(decodeAuditCursor(encodeAuditCursor({ micros, id }))).toEqual({ micros, id });
      }),
    );
    for (const wrong of [
      '',
      'x',
      Buffer.from('a1:1:-2').toString('base64url'),
      `${encodeAuditCursor({ micros: '1', id: '2' })}=`,
    ]) {
      expect(() => decodeAuditCursor(wrong)).toThrow(/"after" must be a cursor/);
    }
  });
});

describeWith('postgres')('the audit log', () => {
  let plant: Plant;
  const databases: MesDatabase[] = [];

  const openAt = (url: string): { database: MesDatabase; auditLog: AuditLog } => {
    const database = new MesDatabase({ url, poolMax: 4, timeout: 5 * SECOND });
    databases.push(database);
    return { database, auditLog: new AuditLog((sql, bindings) => database.query(sql, bindings)) };
  };
  const records = () => plant.query('select * from orders_audit order by at, id');
  const everything = (auditLog: AuditLog): Promise<AuditEntry[]> => auditLog.page({ limit: 1_000, after: undefined });

  afterEach(async () => {
    await Promise.all(databases.splice(0).map((database) => database.close()));
  });

  describe('of status changes', () => {
    beforeEach(async () => {
      plant = await outboxPlant();
    });

    test('says who changed what from which version to which, in the order of the changes', async () => {
      const [one, two] = await plant.insert({ number: 'N1', version: 3 }, { number: 'N2', status: 'PACKAGING', version: 7 });
      const { database, auditLog } = openAt(plant.url);
      const changes = [
        { id: two!.id, status: 'SHIPPED' as const },
        { id: one!.id, status: 'CANCELLED' as const },
      ];
      const changed = await database.changeStatuses(changes, 'mark', ACT);
      expect(changed.map(({ after }) => [after.id, after.status, after.version])).toEqual([
        [two!.id, 'SHIPPED', 8],
        [one!.id, 'CANCELLED', 4],
      ]);
      const who = {
        way: 'MUTATION',
        subject: 'ada',
        role: 'operator',
        partnerId: null,
        requestId: 'request-1',
        fileChange: null,
      };
      const [newest, oldest] = await everything(auditLog);
      expect([oldest, newest]).toEqual([
        expect.objectContaining({
          ...who,
          orderChange: {
            orderId: two!.id,
            number: 'N2',
            statusBefore: 'PACKAGING',
            statusAfter: 'SHIPPED',
            versionBefore: 7,
            versionAfter: 8,
          },
        }),
        expect.objectContaining({
          ...who,
          orderChange: {
            orderId: one!.id,
            number: 'N1',
            statusBefore: 'SUBMITTED',
            statusAfter: 'CANCELLED',
            versionBefore: 3,
            versionAfter: 4,
          },
        }),
      ]);
      const [clock] = await plant.query(`select extract(epoch from clock_timestamp()) * 1000 - ${newest!.at} as age`);
      expect(Number(clock?.['age'])).toBeGreaterThanOrEqual(0);
    });

    test('has nothing of a change that was refused, and what it cannot take down is not changed', async () => {
      const [order, closed] = await plant.insert({}, { status: 'CLOSED' });
      const { database } = openAt(plant.url);
      const change = { id: order!.id, status: 'PACKAGING' as const };
      await expect(
        database.changeStatuses([change, { id: closed!.id, status: 'CANCELLED' }], undefined, ACT),
      ).rejects.toMatchObject({
        code: 'INVALID_TRANSITION',
      });
      expect(await records()).toEqual([]);
      await plant.query('alter table orders_audit add check (order_number is null)');
      await expect(database.changeStatuses([change], undefined, ACT)).rejects.toMatchObject({ code: 'SOURCE_UNAVAILABLE' });
      expect(await plant.query('select status, version from orders where id = $1', [order!.id])).toEqual([
        { status: 'SUBMITTED', version: 1 },
      ]);
    });

    test('is written without a statement more', async () => {
      const [order] = await plant.insert({});
      const { database } = openAt(plant.url);
      const sent: string[] = [];
      const { knex } = database as unknown as { knex: { on(event: 'query', listener: (query: { sql: string }) => void): void } };
      knex.on('query', ({ sql }) => sent.push(sql));
      await database.changeStatuses([{ id: order!.id, status: 'PACKAGING' }]);
      const without = sent.splice(0).length;
      await database.changeStatuses([{ id: order!.id, status: 'SHIPPED' }], undefined, ACT);
      expect(sent).toHaveLength(without);
    });
  });

  describe('is append-only', () => {
    beforeAll(async () => {
      plant = await outboxPlant();
      await openAt(plant.url).auditLog.recordFiles(ACT, [FILE]);
    });

    test.each([
      'update orders_audit set subject = $$eve$$',
      'update orders_audit set subject = $$eve$$ where false',
      'delete from orders_audit',
      'truncate orders_audit',
      'set session_replication_role = replica; delete from orders_audit',
    ])('%s is refused, to its owner too', async (sql) => {
      await expect(plant.query(sql)).rejects.toThrow(/of public\.orders_audit is refused: the audit log is append-only/);
      expect(await records()).toHaveLength(1);
    });

    test('the gateway needs to read and to add, and may do nothing else', async () => {
      await plant.query(`do $$ begin create role mes login; exception when duplicate_object then null; end $$`);
      const { auditLog } = openAt(as(plant.url, 'mes'));
      const [, remedy = ''] = /its owner gives that by: (.*;)$/.exec((await auditLog.problem()) ?? '') ?? [];
      expect(remedy).toBe('grant select, insert on orders_audit to mes;');
      await plant.query(remedy);
      expect(await auditLog.problem()).toBeUndefined();
      await auditLog.recordFiles(ACT, [{ ...FILE, path: 'models/b.stl' }]);
      expect((await everything(auditLog)).map(({ fileChange }) => fileChange?.path)).toEqual(['models/b.stl', 'models/a.stl']);
      const mes = openAt(as(plant.url, 'mes')).database;
      await expect(mes.query('alter table orders_audit disable trigger all', [])).rejects.toMatchObject({
        code: 'SOURCE_UNAVAILABLE',
      });
      await plant.query('alter table orders_audit disable trigger orders_audit_append_only');
      await expect(mes.query('delete from orders_audit', [])).rejects.toMatchObject({ code: 'SOURCE_UNAVAILABLE' });
      expect((await migrate({ url: plant.url, log })).steps).toEqual([
        'create trigger orders_audit_append_only on public.orders_audit',
      ]);
    });

    test('its owner may remove what is too old, as docs/database.md says', async () => {
      await plant.query(`begin;
        alter table orders_audit disable trigger orders_audit_append_only;
        delete from orders_audit where at < now() + interval '1 hour';
        alter table orders_audit enable always trigger orders_audit_append_only;
        commit`);
      expect(await records()).toEqual([]);
      expect((await migrate({ url: plant.url, log })).steps).toEqual([]);
    });
  });

  describe('in pages', () => {
    let auditLog: AuditLog;

    beforeAll(async () => {
      plant = await outboxPlant();
      await plant.query(`insert into orders_audit (at, way, subject, role, request_id, file_path, etag_after)
        select timestamptz '2025-07-24 15:00Z' + (k / 3) * interval '1 microsecond', 'UPLOAD', 'user-' || k % 2, 'service', 'r' || k,
          'f' || k % 5, k::text from generate_series(0, 100) k`);
    });

    beforeEach(() => ({ auditLog } = openAt(plant.url)));

    test.each([
      [{}, 101],
      [{ actor: 'user-1' }, 50],
      [{ filePath: 'f3' }, 20],
      [{ actor: 'user-0', filePath: 'f3' }, 10],
      [{ actor: 'nobody' }, 0],
      [{ orderId: '00000000-0000-4000-8000-00000000dead' }, 0],
      [{ from: Date.parse('2025-07-24T15:00Z') }, 101],
      [{ to: Date.parse('2025-07-24T15:00Z') }, 0],
      [{ to: Date.parse('2025-07-24T15:00:00.001Z') }, 101],
    ])('of %j there are %i, each once, newest first, also where many are of one microsecond', async (filter, count) => {
      const found: AuditEntry[] = [];
      for (let after; ; after = found.at(-1)) {
        const page = await auditLog.page({ ...filter, limit: 7, after });
        found.push(...page);
        if (page.length < 7) break;
      }
      const ids = found.map(({ id }) => Number(id));
      expect(ids).toHaveLength(count);
      expect(ids).toEqual([...new Set(ids)].sort((a, b) => b - a));
    });

    test.each([
      [{}, 'orders_audit_pkey'],
      [{ orderId: '00000000-0000-4000-8000-00000000dead' }, 'orders_audit_order'],
      [{ filePath: 'f3' }, 'orders_audit_file'],
      [{ actor: 'user-1' }, 'orders_audit_subject'],
    ])('of %j have the index %s, and need no sorting', async (filter, index) => {
      await plant.query(`do $$ begin execute format('alter database %I set enable_seqscan = off', current_database());
        execute format('alter database %I set enable_bitmapscan = off', current_database()); end $$`);
      const { database } = openAt(plant.url);
      const plans: string[] = [];
      const explaining = new AuditLog(async (sql, bindings) => {
        const plan = await database.query(`explain ${sql}`, bindings);
        plans.push(plan.map((line) => line['QUERY PLAN']).join('\n'));
        return [];
      });
      await explaining.page({ ...filter, limit: 51, after: { micros: '1753369200000020', id: '70' } });
      expect(plans.join()).toContain(`Index Scan Backward using ${index}`);
      expect(plans.join()).not.toContain('Sort');
    });
  });

  describe('its migration', () => {
    test('makes what is missing and nothing twice; the outbox goes without it, and it goes only when asked for', async () => {
      plant = await outboxPlant();
      expect(await migrate({ url: plant.url, log })).toEqual({ steps: [], notes: [] });
      await openAt(plant.url).auditLog.recordFiles(ACT, [FILE]);
      await plant.query('drop index orders_audit_subject');
      expect((await migrate({ url: plant.url, log })).steps).toEqual(['create index orders_audit_subject']);
      await undoOutbox({ url: plant.url, log });
      expect(await records()).toHaveLength(1);
      expect(await undoOutbox({ url: plant.url, log, withAuditLog: true, dryRun: true })).toHaveLength(2);
      expect(await records()).toHaveLength(1);
      expect(await undoOutbox({ url: plant.url, log, withAuditLog: true })).toEqual([
        'drop table public.orders_audit',
        'drop function public.orders_audit_append_only()',
      ]);
      expect(await openAt(plant.url).auditLog.problem()).toContain('"npm run migrate" makes it');
    });

    test('leaves a table of somebody else alone', async () => {
      plant = await freshPlant();
      await plant.query('create table orders_audit (at timestamptz, note text)');
      await expect(migrate({ url: plant.url, log })).rejects.toThrow(/seems to be of another program: rename it/);
      await expect(undoOutbox({ url: plant.url, log, withAuditLog: true })).rejects.toThrow(/of another program/);
      expect(await plant.query('table orders_audit')).toEqual([]);
      expect(await openAt(plant.url).auditLog.problem()).toMatch(
        /"orders_audit" is another one; it should have: id bigint, way text/,
      );
    });

    test('also beside a view, and not before Postgres 11', async () => {
      plant = await freshPlant();
      await plant.query('alter table orders rename to mes; create view orders as select * from mes');
      expect((await migrate({ url: plant.url, log })).steps).toContain('create table public.orders_audit');
      const [order] = await plant.insert({});
      const { database, auditLog } = openAt(plant.url);
      await database.changeStatuses([{ id: order!.id, status: 'PACKAGING' }], undefined, ACT);
      expect((await everything(auditLog))[0]?.orderChange).toMatchObject({ versionBefore: 1, versionAfter: 2 });
      const old = { query: () => Promise.resolve({ rows: [{ version: 10 }] }) };
      expect(await audit.plan(old)).toEqual({ steps: [], notes: ['no audit log: it needs Postgres 11 or later.'] });
    });
  });
});
