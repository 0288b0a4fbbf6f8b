/** What one kind of attack did, and what became of it: by status, or by how the connection ended. */
export interface Tally {
  readonly kind: string;
  readonly answers: Record<string, number>;
  /** Connections that are open now. */
  open: number;
}

export function tallyOf(kind: string): Tally {
  return { kind, answers: {}, open: 0 };
}

export function note({ answers }: Tally, what: string): void {
  answers[what] = (answers[what] ?? 0) + 1;
}
