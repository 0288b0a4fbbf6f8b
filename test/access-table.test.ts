import { readFileSync, writeFileSync } from 'node:fs';
import { createSchema } from '../src/graphql/server.js';
import { folded, table, type Line } from './support/access-report.js';
import { ROWS } from './support/access-rows.js';
import { LIVE_EXPECTED, LIVE_ROWS, watchAll, type LiveVerdicts } from './support/access-subscriptions.js';
import { accessWorld, CALLERS, REFUSED, type AccessWorld } from './support/access-world.js';
import { TRANSPORTS } from './support/live.js';
import { describeWith } from './support/servers/shared.js';

const LIVE_NAMES = LIVE_ROWS.flatMap(({ name }) => TRANSPORTS.map(([transport]) => `${name} by ${transport}`));
/** A query that comes again is compiled, and then answered from whole answers. */
const TIMES = 4;

test('the table has a line for every root field of the schema', () => {
  const schema = createSchema();
  const roots = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()];
  const fields = roots.flatMap((type) => Object.keys(type?.getFields() ?? {}).map((field) => `${type?.name}.${field}`));
  const shown = new Set([...ROWS, ...LIVE_ROWS].flatMap(({ field }) => field ?? []));
  expect([...shown].sort()).toEqual(fields.sort());
});

describeWith('postgres', 'redis')('who may do what, cell by cell', () => {
  let world: AccessWorld;
  let live: LiveVerdicts;
  const lines = new Map<string, Line>();

  beforeAll(async () => {
    world = await accessWorld();
    live = await watchAll(world);
  });
  afterAll(() => world.close());

  test.each(ROWS)('$name', async ({ name, ask, expected, open }) => {
    const cells: string[] = [];
    for (const caller of world.callers) {
      const answers = new Set<string>();
      for (let time = 0; time < TIMES; time += 1) answers.add(await ask(world, caller));
      cells.push([...answers].join(' then '));
    }
    lines.set(name, { name, cells });
    expect(cells).toEqual([...expected, ...REFUSED.map(() => (open ? expected[0] : '401'))]);
  });

  test.each(LIVE_NAMES)('%s', (name) => {
    const cells = world.callers.map((caller) => live.get(name)?.get(caller.name) ?? 'nothing');
    lines.set(name, { name, cells });
    expect(cells).toEqual([...LIVE_EXPECTED, ...REFUSED.map(() => '401')]);
  });

  test('is what docs/security.md shows; ACCESS_REPORT=<file> writes it with every column', () => {
    const all = [...ROWS.map(({ name }) => name), ...LIVE_NAMES].flatMap((name) => lines.get(name) ?? []);
    const report = process.env['ACCESS_REPORT'];
    if (report !== undefined) writeFileSync(report, `${table(['asked for', ...CALLERS, ...REFUSED], all)}\n`);
    const shown = table(['asked for', ...CALLERS, 'token not accepted'], folded(all, CALLERS.length));
    expect(readFileSync('docs/security.md', 'utf8')).toContain(shown);
  });
});
