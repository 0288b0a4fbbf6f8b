/** Counts operations that run, whether or not anybody still waits for their end. */
export class OperationSlots {
  private readonly taken = new Set<symbol>();

  constructor(private readonly most: number) {}

  get areFull(): boolean {
    return this.taken.size >= this.most;
  }

  /** @returns to be called when the operation has ended; again: no harm */
  take(): () => void {
    const slot = Symbol('operation');
    this.taken.add(slot);
    return () => void this.taken.delete(slot);
  }
}
