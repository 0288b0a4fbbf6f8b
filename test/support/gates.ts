import type { Pause } from './cache-world.js';

/** Lets a test stop concurrent work at a named step, look at the world, and let it go on. */
export class Gates {
  private readonly held = new Map<string, { arrived: () => void; released: Promise<void> }>();

  /** Steps pass at once, except one that is held. */
  readonly pause: Pause = async (label) => {
    const gate = this.held.get(label);
    if (!gate) return;
    this.held.delete(label);
    gate.arrived();
    await gate.released;
  };

  /** The next step with this label waits for `release`; `reached` tells when it got there. */
  hold(label: string): { reached: Promise<void>; release: () => void } {
    let release: () => void = () => undefined;
    let arrived: () => void = () => undefined;
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    const reached = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    this.held.set(label, { arrived, released });
    return { reached, release };
  }
}
