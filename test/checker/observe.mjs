/**
 * For `node --import`: writes every change of the store's circuit breaker to stdout, at once, while the gateway's own log may be
 * late. The time is that of the machine's monotonic clock, the same in all processes and for all clocks that are set wrong.
 */
import { writeSync } from 'node:fs';
import { GuardedStore } from '../../dist/cache/guarded-store.js';

const { enter } = GuardedStore.prototype;
if (typeof enter !== 'function') throw new Error('GuardedStore must have a method enter to be observed');

GuardedStore.prototype.enter = function (phase, reason) {
  if (phase.name !== this.phase.name) {
    const at = Number(process.hrtime.bigint()) / 1e6;
    writeSync(1, `${JSON.stringify({ breaker: phase.name, at, reason })}\n`);
  }
  enter.call(this, phase, reason);
};
