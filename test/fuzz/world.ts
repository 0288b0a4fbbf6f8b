import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { migrate } from '../../src/sources/migrations/migrate.js';
import { MIB } from '../../src/units.js';
import { startGateway, type GatewayProcess } from '../support/gateway.js';
import { ROOT } from '../support/gateway-build.js';
import { freshPlant, type Plant } from '../support/plant.js';
import { queryOnce } from '../support/servers/postgres.js';
import { removeFolder, temporaryFolder } from '../support/servers/temporary.js';
import { idOf } from '../support/orders.js';
import { allCredentials, EVENTS_SECRET } from './callers.js';
import type { Ground } from './probe.js';

const ORDERS = 600;
const FILES: Readonly<Record<string, Buffer>> = {
  'models/ring-17.stl': Buffer.from('solid ring\nendsolid ring\n'),
  'models/nut m12+ü.stl': Buffer.from('solid nut\nendsolid nut\n'),
  'models/large.stl': Buffer.alloc(700_000, 5),
};

export interface FuzzWorld {
  readonly gateway: GatewayProcess;
  readonly ground: Ground;
  /** Routes that this gateway does not have. */
  readonly absent: readonly string[];
  /** What has changed that no request may change. `written`: the files that requests may have written. */
  damage(written: ReadonlySet<string>): Promise<string[]>;
  /** @throws if the gateway has printed a secret */
  close(): Promise<void>;
}

export interface WorldOptions {
  /** The URL of the Postgres to make the database in. Default: the one that the test run shares. */
  readonly postgres?: string;
  readonly redis?: string;
}

/** A gateway with known orders and files. */
export async function fuzzWorld({ postgres, redis }: WorldOptions = {}): Promise<FuzzWorld> {
  const folder = temporaryFolder();
  const files = join(folder, 'files');
  mkdirSync(join(files, 'models'), { recursive: true });
  for (const [path, bytes] of Object.entries(FILES)) writeFileSync(join(files, path), bytes);
  writeFileSync(join(folder, 'outside.stl'), 'solid outside');
  const plant = await freshPlant(postgres === undefined ? {} : { server: postgres });
  await plant.insert(...Array.from({ length: ORDERS }, (_, index) => orderOf(index)));
  await migrate({ url: plant.url, log: () => undefined });
  const gateway = await startGateway({
    MES_DATABASE_URL: plant.url,
    ...(redis !== undefined && { REDIS_URL: redis }),
    FILES_DIR: files,
    FILE_EVENTS_SECRETS: EVENTS_SECRET,
    // Full long before the end, so that what grows then is something else; and garbage is collected as in a small container.
    MEMORY_CACHE_MAX_BYTES: String(8 * MIB),
    NODE_OPTIONS: '--max-old-space-size=256',
    HEADERS_TIMEOUT_SECONDS: '3',
    REQUEST_TIMEOUT_SECONDS: '5',
    LOG_LEVEL: 'warn',
  });
  const ground = await groundOf(gateway);
  const before = await fingerprints(plant);
  return {
    gateway,
    ground,
    absent: await absentRoutes(gateway, ground),
    damage: async (written) => [...(await orderDamage(plant, before)), ...fileDamage(folder, written)],
    close: async () => {
      try {
        await gateway.stop();
      } finally {
        removeFolder(folder);
      }
    },
  };
}

function orderOf(index: number) {
  const created = new Date(Date.UTC(2025, 6, 24) + index * 240_000).toISOString();
  const paths = [null, ...Object.keys(FILES), 'models/absent.stl'];
  return {
    id: idOf(index + 1),
    number: `ORD-${index}`,
    status: 'INITIATED',
    created_at: created,
    partner_id: [null, 'partner-a', 'partner-b'][index % 3] ?? null,
    file_path: paths[index % paths.length] ?? null,
  };
}

async function groundOf(gateway: GatewayProcess): Promise<Ground> {
  const credentials = await allCredentials();
  const token = credentials.find(({ name }) => name === 'operator')?.value?.slice('Bearer '.length);
  const { data } = await gateway.graphql<{ file: { url: string }; orders: { pageInfo: { endCursor: string } } }>(
    `{ file(path: "models/ring-17.stl") { url } orders(createdBy: "2025-07-24T10:00Z", first: 3) { pageInfo { endCursor } } }`,
    {},
    { token },
  );
  const { pathname, search } = new URL(data!.file.url);
  return {
    host: `127.0.0.1:${gateway.port}`,
    credentials,
    orderIds: [...Array.from({ length: 20 }, (_, index) => idOf(index * 30 + 1)), idOf(99_999)],
    filePaths: [...Object.keys(FILES), 'models/absent.stl', 'put/1.stl'],
    signedUrls: [pathname + search],
    cursors: [data!.orders.pageInfo.endCursor],
  };
}

/** The routes whose code is in this tree must answer. */
async function absentRoutes(gateway: GatewayProcess, { credentials }: Ground): Promise<string[]> {
  const token = credentials.find(({ name }) => name === 'service')?.value?.slice('Bearer '.length);
  const put = await gateway.get('/files/put/first.stl', { method: 'PUT', body: 'solid a\nendsolid a\n', token });
  const event = await gateway.get('/events/s3', { method: 'POST', body: '{"Records":[]}', token });
  const asked = [
    ['PUT /files', put.status, 'upload-route'],
    ['POST /events/s3', event.status, 'events-route'],
  ] as const;
  const absent = asked.filter(([, status]) => status === 404 || status === 405);
  for (const [route, status, name] of absent) {
    if (existsSync(join(ROOT, `src/http/${name}.ts`))) throw new Error(`${route} must be there, but answers ${status}`);
  }
  return absent.map(([route]) => route);
}

const FIXED = `select id::text, md5(row(id, number, created_at, partner_id, customer, product, material, quantity, price_minor, currency,
  file_path)::text) as fixed, status, version from orders order by id`;

function fingerprints(plant: Plant) {
  return queryOnce(plant.url, FIXED);
}

/** Operators may move orders on, which is in the audit log; nothing else may change. */
async function orderDamage(plant: Plant, before: Awaited<ReturnType<typeof fingerprints>>): Promise<string[]> {
  const after = await fingerprints(plant);
  if (after.length !== before.length) return [`${before.length} orders have become ${after.length}`];
  const changed = after.filter((row, index) => {
    const was = before[index]!;
    return row['fixed'] !== was['fixed'] || (row['version'] === was['version']) !== (row['status'] === was['status']);
  });
  const [audit] = await plant.query(
    `select count(*)::int as entries, count(*) filter (where role <> 'operator')::int as others,
      (select sum(version - 1)::int from orders) as steps from orders_audit where order_id is not null`,
  );
  return [
    ...changed.slice(0, 5).map(({ id }) => `order ${String(id)} has changed`),
    ...(audit?.['entries'] === audit?.['steps']
      ? []
      : [`the audit log has ${String(audit?.['entries'])} changes of status, the orders ${String(audit?.['steps'])}`]),
    ...(audit?.['others'] === 0 ? [] : [`${String(audit?.['others'])} changes by others than operators`]),
  ];
}

function fileDamage(folder: string, written: ReadonlySet<string>): string[] {
  const digest = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
  const found = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((each) => each.isFile());
  const paths = found.map((each) => join(each.parentPath, each.name).slice(folder.length + 1));
  const outside = paths.filter((path) => !path.startsWith('files/') && path !== 'outside.stl');
  const made = paths.flatMap((path) => (path.startsWith('files/') ? [path.slice('files/'.length)] : []));
  const strange = made.filter((path) => !(path in FILES) && !path.startsWith('put/') && !written.has(path));
  const changed = Object.entries(FILES).filter(([path, bytes]) => {
    const file = join(folder, 'files', path);
    return !written.has(path) && (!existsSync(file) || digest(readFileSync(file)) !== digest(bytes));
  });
  return [
    ...outside.map((path) => `a file outside of the store: ${path}`),
    ...strange.map((path) => `a file that nobody may have written: ${path}`),
    ...changed.map(([path]) => `the file ${path} has changed`),
  ];
}
