/** What is known of one order. Nobody changes it again before its last change was seen through every gateway. */
export interface Subject {
  readonly id: string;
  readonly createdAt: number;
  /** Committed. */
  version: number;
  /** Its last change deleted it. */
  gone: boolean;
  /** By `performance.now()`, when the commit was acknowledged. */
  committedAt: number;
  /** A transaction has it, or some gateway has not been seen to show its last change. */
  busy: boolean;
  /** By the number of the gateway: which process of it showed the last change, and so has it in its memory. */
  readonly shownBy: (string | undefined)[];
}

export function newSubject(id: string, createdAt: number): Subject {
  return { id, createdAt, version: 1, gone: false, committedAt: -Infinity, busy: true, shownBy: [] };
}

/** What a gateway answers for an order: its version, or `null` when there is none. */
export function isShown({ version, gone }: Subject, seen: number | null): boolean {
  return gone ? seen === null : seen === version;
}
