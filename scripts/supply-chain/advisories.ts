export interface AuditVerdict {
  /** `unknown`: nobody was asked; neither good nor bad. */
  readonly verdict: 'clean' | 'vulnerable' | 'unknown';
  readonly lines: readonly string[];
}

interface AuditReport {
  readonly metadata?: { readonly vulnerabilities?: { readonly total?: number } };
  readonly vulnerabilities?: Readonly<Record<string, { readonly severity?: string; readonly range?: string }>>;
  readonly message?: string;
}

/** Reads what `npm audit --json` printed. Anything but a complete report is `unknown`, never `clean`. */
export function auditVerdict(output: string): AuditVerdict {
  const report = parsed(output);
  const total = report?.metadata?.vulnerabilities?.total;
  if (typeof total !== 'number' || !report?.vulnerabilities) {
    return { verdict: 'unknown', lines: [report?.message ?? 'npm audit gave no report'] };
  }
  const found = Object.entries(report.vulnerabilities).map(
    ([name, { severity, range }]) => `${name} ${range ?? ''}: ${severity ?? 'of unknown severity'}`,
  );
  return { verdict: total === 0 && found.length === 0 ? 'clean' : 'vulnerable', lines: found };
}

function parsed(output: string): AuditReport | undefined {
  try {
    return JSON.parse(output) as AuditReport;
  } catch {
    return undefined;
  }
}
