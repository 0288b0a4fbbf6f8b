import { Renewals } from '../../dist/cache/renewals.js';

/**
 * Puts `make(original)` in the place of a method of the compiled gateway.
 * @throws when there is no such method any more, so that no bug is switched on in vain
 */
export function replace(owner, name, make) {
  const original = owner.prototype[name];
  if (typeof original !== 'function') throw new Error(`${owner.name} must have a method ${name} to put a bug into`);
  owner.prototype[name] = make(original);
}

/** Bugs of renewals, which orders and files have in common. */
export const RENEWAL_BUGS = {
  /** Changes are acknowledged, and nobody is told. */
  'no-renewal': () => replace(Renewals, 'renew', () => () => Promise.resolve('renewed')),

  /** A change is acknowledged while its new tokens are still on their way to the store. */
  'early-acknowledgement': () =>
    replace(
      Renewals,
      'renew',
      (renew) =>
        function (tokenKeys, trace) {
          void renew.call(this, tokenKeys, trace);
          return Promise.resolve('renewed');
        },
    ),
};
