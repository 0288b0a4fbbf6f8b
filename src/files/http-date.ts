import type { EpochMilliseconds } from '../units.js';

const TIME = String.raw`\d{2}:\d{2}:\d{2}`;
const IMF_FIXDATE = new RegExp(`^[A-Z][a-z]{2}, \\d{2} [A-Z][a-z]{2} \\d{4} ${TIME} GMT$`);
const RFC_850 = new RegExp(`^[A-Z][a-z]+day, \\d{2}-[A-Z][a-z]{2}-\\d{2} ${TIME} GMT$`);
const ASCTIME = new RegExp(`^[A-Z][a-z]{2} [A-Z][a-z]{2} [ \\d]\\d ${TIME} \\d{4}$`);

/** The three forms that a recipient must accept (RFC 9110 §5.6.7); `undefined` for anything else. */
export function parseHttpDate(text: string): EpochMilliseconds | undefined {
  const date = ASCTIME.test(text) ? `${text} GMT` : text;
  if (date === text && !IMF_FIXDATE.test(text) && !RFC_850.test(text)) return undefined;
  const parsed = Date.parse(date);
  return Number.isNaN(parsed) ? undefined : parsed;
}

/** `Sun, 06 Nov 1994 08:49:37 GMT`; parts of a second are cut off. */
export function httpDate(time: EpochMilliseconds): string {
  return new Date(time).toUTCString();
}
