import type { Act, FileChange } from '../src/audit/audit.js';
import { AuditKeeping } from '../src/audit/audit-keeping.js';

const ACT: Act = { viewer: { role: 'service', subject: 'store' }, requestId: 'request-1', way: 'EVENT' };
const FILES: readonly FileChange[] = [{ path: 'a.stl', etagBefore: '"1"', etagAfter: null }];

/** A database that gives these answers to whether it has a log, one after another, and a journal of what happened. */
function keepingOf(answers: readonly (string | undefined | Error)[], { required = false, write = () => Promise.resolve() } = {}) {
  const journal: unknown[][] = [];
  const left = [...answers];
  const keeping = new AuditKeeping({
    problem: () => {
      const answer = left.shift();
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
    },
    recordFiles: async (act, changes) => {
      await write();
      journal.push(['written', act, ...changes]);
    },
    required,
    onOff: (problem) => journal.push(['off', problem]),
    onLost: (act, changes, error) => journal.push(['lost', act, ...changes, String(error)]),
  });
  return { keeping, journal, left };
}

describe('whether changes are audited', () => {
  test('is asked once when the database answers, and said once if they are not', async () => {
    const { keeping, journal, left } = keepingOf([new Error('away'), 'there is none', undefined]);
    await expect(keeping.isOn()).rejects.toThrow('away');
    expect(await Promise.all([keeping.isOn(), keeping.isOn()])).toEqual([false, false]);
    expect(await keeping.isOn()).toBe(false);
    expect(journal).toEqual([['off', 'there is none']]);
    expect(left).toHaveLength(1);
  });

  test('must be so where it is required', async () => {
    const { keeping } = keepingOf(['there is none'], { required: true });
    await expect(keeping.isOn()).rejects.toMatchObject({
      code: 'SOURCE_UNAVAILABLE',
      message: expect.stringContaining('must be audited'),
    });
    expect(await keepingOf([undefined], { required: true }).keeping.isOn()).toBe(true);
  });
});

describe('a change of files', () => {
  test('is written when there is a log, and is nothing where there is none', async () => {
    const on = keepingOf([undefined]);
    await on.keeping.filesChanged(ACT, FILES);
    await on.keeping.filesChanged(ACT, []);
    expect(on.journal).toEqual([['written', ACT, ...FILES]]);
    const off = keepingOf(['there is none']);
    await off.keeping.filesChanged(ACT, FILES);
    expect(off.journal).toEqual([['off', 'there is none']]);
  });

  test.each([
    ['when it cannot be written', keepingOf([undefined], { write: () => Promise.reject(new Error('full')) }), 'Error: full'],
    ['when nobody knows whether there is a log', keepingOf([new Error('away')]), 'Error: away'],
  ])('stands %s, and is reported whole', async (_name, { keeping, journal }, error) => {
    await keeping.filesChanged(ACT, FILES);
    expect(journal).toEqual([['lost', ACT, ...FILES, error]]);
  });
});
