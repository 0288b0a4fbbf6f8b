import fc from 'fast-check';
import { listKey, listTokenKey } from '../src/orders/keys.js';
import { PlantCalendar } from '../src/orders/plant-day.js';
import { DAY, HOUR } from '../src/units.js';

const at = (text: string): number => Date.parse(text);

const ZONES = [
  'UTC',
  'Europe/Berlin',
  'America/Sao_Paulo',
  'Africa/Cairo',
  'Asia/Beirut',
  'America/Havana',
  'Asia/Kathmandu',
  'Australia/Lord_Howe',
  'Pacific/Apia',
];

describe('a day of the plant', () => {
  test.each([
    ['UTC', '2025-07-24', '2025-07-24T00:00Z', '2025-07-25T00:00Z', 24],
    ['Europe/Berlin', '2025-07-24', '2025-07-23T22:00Z', '2025-07-24T22:00Z', 24],
    // Clocks go forward, and back.
    ['Europe/Berlin', '2025-03-30', '2025-03-29T23:00Z', '2025-03-30T22:00Z', 23],
    ['Europe/Berlin', '2025-10-26', '2025-10-25T22:00Z', '2025-10-26T23:00Z', 25],
    // Midnight does not exist: the day begins at 01:00.
    ['America/Sao_Paulo', '2018-11-04', '2018-11-04T03:00Z', '2018-11-05T02:00Z', 23],
    ['Africa/Cairo', '2024-04-26', '2024-04-25T22:00Z', '2024-04-26T21:00Z', 23],
    ['Asia/Beirut', '2024-03-31', '2024-03-30T22:00Z', '2024-03-31T21:00Z', 23],
    // Midnight comes twice: the day begins at the first one.
    ['America/Havana', '2024-11-03', '2024-11-03T04:00Z', '2024-11-04T05:00Z', 25],
    // The hour before midnight comes twice.
    ['Asia/Beirut', '2024-10-26', '2024-10-25T21:00Z', '2024-10-26T22:00Z', 25],
    // Half an hour.
    ['Australia/Lord_Howe', '2025-04-06', '2025-04-05T13:00Z', '2025-04-06T13:30Z', 24.5],
    // Samoa had no 2011-12-30.
    ['Pacific/Apia', '2011-12-29', '2011-12-29T10:00Z', '2011-12-30T10:00Z', 24],
    ['Pacific/Apia', '2011-12-31', '2011-12-30T10:00Z', '2011-12-31T10:00Z', 24],
  ])('in %s: %s is from %s to %s, %d hours', (zone, date, from, to, hours) => {
    const day = { date, range: { from: at(from), to: at(to) } };
    const calendar = new PlantCalendar(zone);
    expect(calendar.dayOf(at(from))).toEqual(day);
    expect(calendar.dayOf(at(to) - 1)).toEqual(day);
    expect(calendar.dayOf(at(from) - 1).range.to).toBe(day.range.from);
    expect(calendar.dayOf(at(to)).range.from).toBe(day.range.to);
    expect(day.range.to - day.range.from).toBe(hours * HOUR);
  });

  test('has the date that a clock on its wall shows, and the next one begins where it ends', () => {
    const anyTime = fc.integer({ min: at('1980-01-01T00:00Z'), max: at('2040-01-01T00:00Z') });
    fc.assert(
      fc.property(fc.constantFrom(...ZONES), anyTime, (zone, time) => {
        const wall = new Intl.DateTimeFormat('en-CA', { timeZone: zone, year: 'numeric', month: '2-digit', day: '2-digit' });
        const { date, range } = new PlantCalendar(zone).dayOf(time);
        expect(date).toBe(wall.format(time));
        expect([range.from <= time, time < range.to]).toEqual([true, true]);
        expect([wall.format(range.from), wall.format(range.to - 1)]).toEqual([date, date]);
        expect(wall.format(range.from - 1) < date && date < wall.format(range.to)).toBe(true);
      }),
    );
  });

  test('does not depend on which day was asked for before', () => {
    const start = at('2025-10-24T00:00Z');
    const anyTimes = fc.array(fc.integer({ min: start, max: start + 4 * DAY }), { maxLength: 20 });
    fc.assert(
      fc.property(anyTimes, (times) => {
        const calendar = new PlantCalendar('Europe/Berlin');
        for (const time of times) expect(calendar.dayOf(time)).toEqual(new PlantCalendar('Europe/Berlin').dayOf(time));
      }),
    );
  });

  test('has its own token, while one value key serves every day: at midnight the entry of yesterday is worth nothing', () => {
    const calendar = new PlantCalendar('Europe/Berlin');
    const midnight = at('2025-07-23T22:00Z');
    const newAt = (time: number) => ({ kind: 'new', day: calendar.dayOf(time) }) as const;
    const [yesterday, today, tonight] = [newAt(midnight - 1), newAt(midnight), newAt(midnight + DAY - 1)];
    expect(new Set([yesterday, today, tonight].map(listKey))).toEqual(new Set(['orders:list:new']));
    expect(listTokenKey(yesterday)).toBe('token:{orders:2025-07-23}:new');
    expect(listTokenKey(today)).toBe('token:{orders:2025-07-24}:new');
    expect(listTokenKey(tonight)).toBe(listTokenKey(today));
  });
});
