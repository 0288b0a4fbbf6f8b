import type { Viewer } from '../src/access/viewer.js';
import type { Act, FileChange } from '../src/audit/audit.js';
import { OperationTrace } from '../src/cache/operation-trace.js';
import { Commands, type ViewerCommands } from '../src/changes/commands.js';
import { touchedTokens } from '../src/changes/touched.js';
import { GatewayError } from '../src/errors.js';
import { PlantCalendar } from '../src/orders/plant-day.js';
import type { StatusChange } from '../src/orders/status-flow.js';
import { UnknownOutcomeError } from '../src/orders/unknown-outcome.js';
import { idOf, orderOf } from './support/orders.js';

const OPERATOR: Viewer = { role: 'operator', subject: 'ada' };
const calendar = new PlantCalendar('UTC');

/** Commands over a database that agrees to everything, and a journal of what happened. */
function commandsOf(
  viewer: Viewer,
  changeStatuses = agree,
  { origin, outcome = 'renewed' }: { origin?: string; outcome?: 'renewed' | 'pending' } = {},
): { commands: ViewerCommands; journal: unknown[][] } {
  const journal: unknown[][] = [];
  const renew = (tokens: readonly string[]) => {
    journal.push(['renewed', ...tokens]);
    return Promise.resolve(outcome);
  };
  const parts = {
    changeStatuses: async (changes: readonly StatusChange[], mark: string | undefined, act: Act) => {
      expect(act).toEqual({ viewer, requestId: 'request-1', way: 'MUTATION' });
      const changed = await changeStatuses(changes);
      journal.push(['committed', ...changes.map(({ id }) => id), ...(mark ? [`as ${mark}`] : [])]);
      return changed;
    },
    putFile: () => Promise.reject(new Error('no file store')),
    renewals: { renew },
    origins: {
      next: () => origin,
      tickOff: async (ticked: string, ids: readonly string[]) => void journal.push(['ticked off', ticked, ...ids]),
    },
    audit: {
      filesChanged: async ({ way, requestId }: Act, files: readonly FileChange[]) =>
        void journal.push(['audited', way, requestId, ...files]),
    },
    levels: [15, 60],
    calendar,
  };
  return { commands: new Commands(parts).of(viewer, new OperationTrace(), 'request-1'), journal };
}

function agree(changes: readonly StatusChange[]) {
  const pairs = changes.map(({ id, status }) => {
    const before = orderOf({ id });
    return { before, after: { ...before, status, version: before.version + 1 } };
  });
  return Promise.resolve(pairs);
}

const unread = (): Promise<null> => Promise.reject(new Error('must not be read'));
const badInput = (message: string): unknown => expect.objectContaining({ code: 'BAD_USER_INPUT', message });
const change = (number: number): StatusChange => ({ id: idOf(number), status: 'PACKAGING' });

describe('a command that changes orders', () => {
  test('is acknowledged after the commit and then the renewal of what it touched, once', async () => {
    const { commands, journal } = commandsOf(OPERATOR);
    const orders = await commands.changeStatuses([change(2), change(1)]);
    expect(orders.map(({ id, status, version }) => [id, status, version])).toEqual([
      [idOf(2), 'PACKAGING', 4],
      [idOf(1), 'PACKAGING', 4],
    ]);
    const changes = [2, 1].map((number) => ({ before: orderOf({ id: idOf(number) }), after: orderOf({ id: idOf(number) }) }));
    expect(journal).toEqual([
      ['committed', idOf(2), idOf(1)],
      ['renewed', ...touchedTokens(changes, [15, 60], calendar)],
    ]);
  });

  test('is marked as one of this gateway, and ticked off when its renewal was acknowledged', async () => {
    const { commands, journal } = commandsOf(OPERATOR, agree, { origin: 'here/1' });
    await commands.changeStatuses([change(1)]);
    expect(journal.map(([what, ...rest]) => [what, rest.at(-1)])).toEqual([
      ['committed', 'as here/1'],
      ['renewed', expect.any(String)],
      ['ticked off', idOf(1)],
    ]);
    expect(journal.at(-1)).toEqual(['ticked off', 'here/1', idOf(1)]);
  });

  test('is not ticked off while its renewal is pending, or when the commit was not confirmed', async () => {
    const pending = commandsOf(OPERATOR, agree, { origin: 'here/1', outcome: 'pending' });
    await pending.commands.changeStatuses([change(1)]);
    expect(pending.journal.map(([what]) => what)).toEqual(['committed', 'renewed']);
    const before = orderOf({ id: idOf(1) });
    const doubt = new UnknownOutcomeError([{ before, after: before }], new Error('reset'));
    const doubtful = commandsOf(OPERATOR, () => Promise.reject(doubt), { origin: 'here/1' });
    await expect(doubtful.commands.changeStatuses([change(1)])).rejects.toBe(doubt);
    expect(doubtful.journal.map(([what]) => what)).toEqual(['renewed']);
  });

  test('that the database refuses renews nothing', async () => {
    const refusal = new GatewayError('CONFLICT', 'no');
    const { commands, journal } = commandsOf(OPERATOR, () => Promise.reject(refusal));
    await expect(commands.changeStatuses([change(1)])).rejects.toBe(refusal);
    expect(journal).toEqual([]);
  });

  test('whose commit was not confirmed renews what it may have changed, and fails', async () => {
    const before = orderOf({ id: idOf(1) });
    const doubt = new UnknownOutcomeError([{ before, after: { ...before, status: 'PACKAGING' } }], new Error('reset'));
    const { commands, journal } = commandsOf(OPERATOR, () => Promise.reject(doubt));
    await expect(commands.changeStatuses([change(1)])).rejects.toBe(doubt);
    expect(journal).toEqual([['renewed', ...touchedTokens([{ before, after: before }], [15, 60], calendar)]]);
  });

  test.each([
    ['no change', [], '"changes" must hold 1 to 500 changes, but holds: 0.'],
    [
      'too many',
      Array.from({ length: 501 }, (_, number) => change(number)),
      '"changes" must hold 1 to 500 changes, but holds: 501.',
    ],
    ['one order twice', [change(1), change(1)], `"changes" must name each order once, but names ${idOf(1)} twice.`],
    [
      'one order in two spellings',
      [change(0xabc), { ...change(1), id: idOf(0xabc).toUpperCase() }],
      `"changes" must name each order once, but names ${idOf(0xabc)} twice.`,
    ],
    ['no UUID', [{ ...change(1), id: 'x' }], '"id" must be a UUID, but got: "x".'],
  ])('with %s is refused before the database is asked', async (_name, changes, message) => {
    const { commands, journal } = commandsOf(OPERATOR);
    await expect(commands.changeStatuses(changes)).rejects.toEqual(badInput(message));
    expect(journal).toEqual([]);
  });

  test('takes 500 changes, and ids in upper case', async () => {
    const { commands } = commandsOf(OPERATOR);
    const changes = Array.from({ length: 500 }, (_, number) => ({ ...change(number), id: idOf(number).toUpperCase() }));
    const orders = await commands.changeStatuses(changes);
    expect(orders.map(({ id }) => id)).toEqual(changes.map(({ id }) => id.toLowerCase()));
  });

  test.each([
    [{ role: 'anonymous' }, 'UNAUTHENTICATED'],
    [{ role: 'partner', subject: 'p', partnerId: 'partner-a' }, 'FORBIDDEN'],
    [{ role: 'service', subject: 's' }, 'FORBIDDEN'],
  ] as const)('is refused to %j, also when its arguments are wrong', async (viewer, code) => {
    const { commands, journal } = commandsOf(viewer);
    await expect(commands.changeStatuses([change(1)])).rejects.toMatchObject({ code });
    await expect(commands.changeStatuses([])).rejects.toMatchObject({ code });
    expect(journal).toEqual([]);
  });
});

describe('a command that announces a file', () => {
  test.each([
    ['its new version', () => Promise.resolve({ etag: '"2"' }), '"2"'],
    ['that it is gone', () => Promise.resolve(null), null],
    ['nothing of its version, which the store does not give', () => Promise.reject(new Error('away')), null],
  ])('renews the token of this file, and has %s taken down', async (_name, reread, etagAfter) => {
    const { commands, journal } = commandsOf({ role: 'service', subject: 'store' });
    await commands.fileChanged('models/ring-17.stl', reread);
    expect(journal).toEqual([
      ['renewed', 'token:file:models/ring-17.stl'],
      ['audited', 'MUTATION', 'request-1', { path: 'models/ring-17.stl', etagBefore: null, etagAfter }],
    ]);
  });

  test('is refused to a partner, and for a path that is none', async () => {
    const partner = commandsOf({ role: 'partner', subject: 'p', partnerId: 'partner-a' });
    await expect(partner.commands.fileChanged('a.stl', unread)).rejects.toMatchObject({ code: 'FORBIDDEN' });
    const operator = commandsOf(OPERATOR);
    await expect(operator.commands.fileChanged('../a.stl', unread)).rejects.toMatchObject({ code: 'BAD_USER_INPUT' });
    expect([...partner.journal, ...operator.journal]).toEqual([]);
  });
});
