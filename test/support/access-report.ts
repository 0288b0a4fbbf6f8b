/** Row → what each caller got, in the order of the columns. */
export interface Line {
  readonly name: string;
  readonly cells: readonly string[];
}

/** A table of Markdown, its columns as wide as their widest cell. */
export function table(head: readonly string[], lines: readonly Line[]): string {
  const rows = [head, ...lines.map(({ name, cells }) => [name, ...cells])];
  const widths = head.map((_, column) => Math.max(3, ...rows.map((row) => row[column]?.length ?? 0)));
  const print = (cells: readonly string[]) => `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`;
  return [print(head), rule, ...rows.slice(1).map(print)].join('\n');
}

/** Columns that say the same in every row, as one. @throws if they do not */
export function folded(lines: readonly Line[], from: number): Line[] {
  return lines.map(({ name, cells }) => {
    const rest = new Set(cells.slice(from));
    if (rest.size !== 1) throw new Error(`${name}: must be one answer for all, but got: ${[...rest].join()}`);
    return { name, cells: [...cells.slice(0, from), ...rest] };
  });
}
