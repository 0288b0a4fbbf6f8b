import { Temporal } from 'temporal-polyfill';
import type { EpochMilliseconds } from '../units.js';
import type { TimeRange } from './tiles.js';

/** One calendar day of the plant: 23 to 25 hours long where clocks change. */
export interface PlantDay {
  /** `2025-07-24` in the plant's time zone. */
  readonly date: string;
  readonly range: TimeRange;
}

/** The calendar of a plant in one IANA time zone. */
export class PlantCalendar {
  private latest: PlantDay | undefined;

  constructor(private readonly timeZone: string) {}

  /** The day of the plant that contains `time`. The last answer is remembered: nearly all questions are about one day. */
  dayOf(time: EpochMilliseconds): PlantDay {
    const { latest } = this;
    if (latest && time >= latest.range.from && time < latest.range.to) return latest;
    return (this.latest = this.compute(time));
  }

  private compute(time: EpochMilliseconds): PlantDay {
    const date = Temporal.Instant.fromEpochMilliseconds(time).toZonedDateTimeISO(this.timeZone).toPlainDate();
    const startOf = (day: Temporal.PlainDate) => day.toZonedDateTime(this.timeZone).epochMilliseconds;
    return { date: date.toString(), range: { from: startOf(date), to: startOf(date.add({ days: 1 })) } };
  }
}
