import type { FormattedExecutionResult } from 'graphql';

/** The end of a body that has nothing but data. */
const END = '}\n';

/** The body of an answer that has nothing but `data`. */
export function bodyOf(data: unknown): string {
  return `{"data":${JSON.stringify(data)}${END}`;
}

/** Takes the place of `data` in an answer whose body is ready: it is not made into text a second time. */
export class ReadyData {
  /** What GraphQL's type of `data` asks for; there are no fields. */
  readonly [field: string]: unknown;

  constructor(readonly body: string) {}

  toJSON(): unknown {
    return (JSON.parse(this.body) as { data: unknown }).data;
  }
}

/** For Apollo: the body of an answer. */
export function stringifyResult(result: FormattedExecutionResult): string {
  const { data, errors, extensions } = result;
  if (!(data instanceof ReadyData) || errors) return `${JSON.stringify(result)}\n`;
  return extensions ? `${data.body.slice(0, -END.length)},"extensions":${JSON.stringify(extensions)}${END}` : data.body;
}
