import { GatewayError } from '../errors.js';
import type { Act, FileAudit, FileChange } from './audit.js';

export interface AuditKeepingParts {
  /** Why the database cannot take the log down, and what helps; `undefined`: it can. Rejects when it does not answer. */
  readonly problem: () => Promise<string | undefined>;
  readonly recordFiles: (act: Act, changes: readonly FileChange[]) => Promise<void>;
  /** Nothing may be changed that is not taken down. */
  readonly required: boolean;
  /** Is told once that nothing is taken down. */
  readonly onOff: (problem: string) => void;
  /** Files were changed, and that is not in the log. */
  readonly onLost: (act: Act, changes: readonly FileChange[], error: unknown) => void;
}

/**
 * Whether changes are taken down. It is found out once, as soon as the database answers, and holds until the process ends: a log
 * that goes away meanwhile makes status changes fail, rather than go on unrecorded.
 */
export class AuditKeeping implements FileAudit {
  private settled: Promise<string | undefined> | undefined;

  constructor(private readonly parts: AuditKeepingParts) {}

  /** Why nothing is taken down; `undefined`: everything is. Rejects, and is open still, if the database does not answer. */
  settle(): Promise<string | undefined> {
    this.settled ??= this.decide().catch((error: unknown) => {
      this.settled = undefined;
      throw error;
    });
    return this.settled;
  }

  /**
   * Whether changes are taken down.
   * @throws GatewayError SOURCE_UNAVAILABLE if the database does not answer, or has no log and must have one
   */
  async isOn(): Promise<boolean> {
    if ((await this.settle()) === undefined) return true;
    if (!this.parts.required) return false;
    throw new GatewayError('SOURCE_UNAVAILABLE', 'Changes must be audited, but the order database has no audit log.');
  }

  async filesChanged(act: Act, changes: readonly FileChange[]): Promise<void> {
    if (changes.length === 0) return;
    try {
      if (await this.isOn()) await this.parts.recordFiles(act, changes);
    } catch (error) {
      this.parts.onLost(act, changes, error);
    }
  }

  private async decide(): Promise<string | undefined> {
    const problem = await this.parts.problem();
    if (problem !== undefined) this.parts.onOff(problem);
    return problem;
  }
}
