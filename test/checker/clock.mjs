/**
 * For `node --import`: sets the clock of this process ahead by CHECKER_CLOCK_OFFSET_MS (negative: behind). Timers and
 * `performance.now()` run as ever: only what the time of day is differs. Then says how far ahead it is.
 */
import { writeSync } from 'node:fs';

const offset = Number(process.env.CHECKER_CLOCK_OFFSET_MS ?? 0);
const { now } = Date;

if (offset !== 0) {
  Date.now = () => now() + offset;
  globalThis.Date = new Proxy(Date, {
    construct: (target, args, made) => Reflect.construct(target, args.length === 0 ? [now() + offset] : args, made),
    apply: () => new Date(now() + offset).toString(),
  });
}

const ahead = Math.round(new Date().getTime() - (performance.timeOrigin + performance.now()));
writeSync(1, `${JSON.stringify({ clockAhead: ahead })}\n`);
