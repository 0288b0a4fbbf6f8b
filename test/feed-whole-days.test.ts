import fc from 'fast-check';
import { touchedTokens } from '../src/changes/touched.js';
import { dayTokens } from '../src/changes/whole-days.js';
import { PlantCalendar } from '../src/orders/plant-day.js';
import { DAY, HOUR } from '../src/units.js';
import { orderOf } from './support/orders.js';

const anyZone = fc.constantFrom(
  'UTC',
  'Europe/Berlin',
  'Asia/Kathmandu',
  'Pacific/Kiritimati',
  'Pacific/Apia',
  'Australia/Lord_Howe',
);
const anyLevels = fc.constantFrom([15, 30, 60], [1440], [1]);

test('the tokens of a UTC day are those that any order of it touches, and of no other day', () => {
  const anyDay = fc.integer({ min: -20_000, max: 40_000 }).map((day) => day * DAY);
  fc.assert(
    fc.property(anyZone, anyLevels, anyDay, (zone, levels, from) => {
      const calendar = new PlantCalendar(zone);
      const step = Math.min(HOUR / 2, levels[0] * 60_000);
      const orders = Array.from({ length: DAY / step }, (_, index) => orderOf({ createdAt: from + index * step }));
      const changes = [...orders, orderOf({ createdAt: from + DAY - 1 })].map((after) => ({ before: null, after }));
      const lists = touchedTokens(changes, levels, calendar).filter((token) => token.startsWith('token:{orders:'));
      expect(dayTokens(from, levels, calendar).sort()).toEqual(lists.sort());
    }),
    { numRuns: 40 },
  );
});
