/** Times during which something went on; the last span may be open. By `performance.now()`. */
export class Spans {
  private readonly spans: { readonly from: number; to: number }[] = [];
  private open = 0;

  /** Spans may be begun while others are open: they are one until all have ended. */
  begin(): void {
    if (this.open++ === 0) this.spans.push({ from: performance.now(), to: Infinity });
  }

  end(): void {
    const last = this.spans.at(-1);
    if (--this.open === 0 && last) last.to = performance.now();
  }

  get isOpen(): boolean {
    return this.open > 0;
  }

  /** Whether any of [from, to] lies in a span, or less than `aftermath` after one. */
  touches(from: number, to: number, aftermath = 0): boolean {
    return this.spans.some((span) => span.from <= to && span.to + aftermath >= from);
  }
}
