/** How an option is declared; its usage is printed from this, and its value read by it. */
export interface Declared<Value> {
  /** What stands for the value in the usage: its unit, or what it is. */
  readonly unit: string;
  readonly does: string;
  readonly default?: Value;
  /** Defaults instead of that one, by the name of the option that must be given for it. */
  readonly defaultWith?: Readonly<Record<string, Value>>;
  readonly isRequired?: boolean;
}

type Plain = string | number | boolean;

export interface Option<Value extends Plain = Plain> extends Partial<Omit<Declared<Value>, 'does'>> {
  readonly does: string;
  /** What a value must be. */
  readonly expected: string;
  /** @returns `undefined` if `text` is not what is expected; a flag, which has no unit, has no text */
  read(text: string): Value | undefined;
}

interface Reader<Value> {
  readonly expected: string;
  read(text: string): Value | undefined;
}

/** The kinds of options. */
export const option = {
  /** Given or not. */
  flag: (does: string) => ({ does, default: false, expected: '', read: (): boolean => true }),

  text: <const D extends Declared<string>>(declared: D): D & Reader<string> => ({
    ...declared,
    expected: `a ${declared.unit}`,
    read: (text) => (text === '' ? undefined : text),
  }),

  whole: <const D extends Declared<number> & { readonly from?: number; readonly to?: number }>(
    declared: D,
  ): D & Reader<number> => {
    const { from = 1, to = Infinity } = declared;
    const bounds = to === Infinity ? (from === 1 ? 'above 0' : `from ${from} on`) : `from ${from} to ${to}`;
    return {
      ...declared,
      expected: `a whole number ${bounds}`,
      read: (text) => (/^\d+$/.test(text) && Number(text) >= from && Number(text) <= to ? Number(text) : undefined),
    };
  },

  amount: <const D extends Declared<number>>(declared: D): D & Reader<number> => ({
    ...declared,
    expected: 'a number above 0',
    read: (text) => (/^\d+(\.\d+)?$/.test(text) && Number(text) > 0 ? Number(text) : undefined),
  }),

  oneOf: <const Word extends string, const D extends Declared<Word>>(words: readonly Word[], declared: D): D & Reader<Word> => ({
    ...declared,
    expected: `one of ${words.join(', ')}`,
    read: (text) => words.find((word) => word === text),
  }),
};
