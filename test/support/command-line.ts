import { parseArgs } from 'node:util';
import { option, type Option } from './command-options.js';

/** A command of package.json, as it is called. */
export interface Command<Options extends Record<string, Option> = Record<string, Option>> {
  readonly name: string;
  /** One line. */
  readonly does: string;
  /** By name, without dashes. */
  readonly options: Options;
  /** What must stand beside the options, as the usage shows it; without it nothing may. */
  readonly operands?: string;
}

/** A value by each option; one that is neither required nor has a default may be absent. */
export type Values<Options> = {
  readonly [Name in keyof Options]: Options[Name] extends { read(text: string): infer Read | undefined }
    ? Options[Name] extends { default: unknown } | { isRequired: true }
      ? Read
      : Read | undefined
    : never;
};

export interface Parsed<Options> {
  readonly values: Values<Options>;
  readonly operands: readonly string[];
}

/** The command ends before it began: somebody asked for its usage, or called it wrongly. */
export class EarlyEnd extends Error {
  constructor(
    message: string,
    readonly exitCode: 0 | 2,
  ) {
    super(message);
  }
}

const HELP = { help: option.flag('print this') };
type OptionToken = Extract<NonNullable<ReturnType<typeof parseArgs>['tokens']>[number], { kind: 'option' }>;

/** @throws EarlyEnd with the usage for `--help`, else naming the first wrong word and what was expected */
export function parseCommand<const Options extends Record<string, Option>>(
  command: Command<Options>,
  words: readonly string[],
): Parsed<Options> {
  const options = optionsOf(command);
  const types = options.map(([name, { unit }]) => [name, { type: unit === undefined ? 'boolean' : 'string' }] as const);
  const { tokens } = parseArgs({ args: [...words], options: Object.fromEntries(types), strict: false, tokens: true });
  if (tokens.some((token) => token.kind === 'option' && token.name === 'help')) throw new EarlyEnd(usage(command), 0);
  const given = new Map<string, unknown>();
  const operands: string[] = [];
  for (const token of tokens) {
    if (token.kind === 'option') given.set(token.name, valueOf(token, command));
    else if (token.kind === 'positional') operands.push(token.value);
  }
  if (command.operands === undefined && operands.length > 0) throw refused(command, `Unexpected argument '${operands[0]}'`);
  const missing = options.find(([name, { isRequired }]) => isRequired && !given.has(name));
  if (missing) throw refused(command, `Option '${head(...missing)}' missing`);
  const values = Object.entries(command.options).map(([name, each]) => [name, given.get(name) ?? defaultOf(each, given)]);
  return { values: Object.fromEntries(values) as Values<Options>, operands };
}

function valueOf({ name, rawName, value, inlineValue }: OptionToken, command: Command): unknown {
  const known = optionsOf(command).find(([each]) => each === name)?.[1];
  if (!known) throw refused(command, `Unknown option '${rawName}'`);
  if (known.unit === undefined && value !== undefined)
    throw refused(command, `Option '${rawName}' takes no value, but got: ${value}`);
  const isNextOption = !inlineValue && value?.startsWith('--');
  if (known.unit !== undefined && (value === undefined || isNextOption))
    throw refused(command, `Option '${head(name, known)}' argument missing`);
  const read = known.read(value ?? '');
  if (read === undefined) throw new EarlyEnd(`${rawName} must be ${known.expected}, but got: ${value}`, 2);
  return read;
}

/** A call that does not fit the synopsis. */
export function refused(command: Command, what: string): EarlyEnd {
  return new EarlyEnd(`${what}; expected: ${synopsis(command)}`, 2);
}

/** What `parse` makes of the words of this process. If they are wrong, or ask for the usage, that is printed, and the process ends. */
export function orExit<Options>(parse: (words: readonly string[]) => Options): Options {
  try {
    return parse(process.argv.slice(2));
  } catch (error) {
    if (!(error instanceof EarlyEnd)) throw error;
    (error.exitCode === 0 ? process.stdout : process.stderr).write(`${error.message}\n`);
    process.exit(error.exitCode);
  }
}

/** The values of a command that needs nothing but its declaration; see `orExit`. */
export function valuesOrExit<const Options extends Record<string, Option>>(command: Command<Options>): Values<Options> {
  return orExit((words) => parseCommand(command, words).values);
}

function defaultOf({ default: otherwise, defaultWith = {} }: Option, given: ReadonlyMap<string, unknown>): unknown {
  const [, special] = Object.entries(defaultWith).find(([name]) => given.has(name)) ?? [];
  return special ?? otherwise;
}

function optionsOf({ options }: Command): [string, Option][] {
  return Object.entries({ ...options, ...HELP });
}

function synopsis(command: Command): string {
  const { name, operands } = command;
  const options = optionsOf(command).map(([key, each]) => (each.isRequired ? head(key, each) : `[${head(key, each)}]`));
  return [`${name} --`, ...(operands === undefined ? [] : [operands]), ...options].join(' ');
}

function head(name: string, { unit }: Option): string {
  return unit === undefined ? `--${name}` : `--${name} <${unit}>`;
}

function usage(command: Command): string {
  const options = optionsOf(command);
  const width = Math.max(...options.map(([name, each]) => head(name, each).length));
  const rows = options.map(([name, each]) => `  ${head(name, each).padEnd(width)}  ${described(each)}`);
  return `${synopsis(command)}\n\n${command.does}\n\n${rows.join('\n')}`;
}

function described({ does, unit, expected, default: otherwise, defaultWith = {} }: Option): string {
  if (unit === undefined) return does;
  const special = Object.entries(defaultWith).map(([name, value]) => `with --${name}: ${String(value)}`);
  const defaults = [...(otherwise === undefined ? [] : [`default: ${String(otherwise)}`]), ...special].join(', ');
  return `${does}: ${expected}${defaults === '' ? '' : ` (${defaults})`}`;
}
