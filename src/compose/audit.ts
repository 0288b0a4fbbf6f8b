import type { FastifyBaseLogger } from 'fastify';
import { AuditKeeping } from '../audit/audit-keeping.js';
import type { LoadGate } from '../cache/load-gate.js';
import { ConfigError, type Config } from '../config.js';
import type { ReadAudit } from '../loaders/audit-reads.js';
import { AuditLog } from '../sources/audit-log.js';
import type { MesDatabase } from '../sources/mes-database.js';
import type { Metrics } from '../telemetry/metrics.js';

export interface OpenedAudit {
  readonly keeping: AuditKeeping;
  readonly read: ReadAudit;
}

/** The audit log, as configured. @throws ConfigError if AUDIT requires one and the database answers and has none */
export async function openAudit(
  { audit }: Config,
  database: MesDatabase,
  gate: LoadGate,
  metrics: Metrics,
  log: FastifyBaseLogger,
): Promise<OpenedAudit> {
  const auditLog = new AuditLog((sql, bindings, signal) => database.query(sql, bindings, signal));
  const keeping = new AuditKeeping({
    problem: () => auditLog.problem(),
    recordFiles: (act, changes) => auditLog.recordFiles(act, changes),
    required: audit.required,
    onOff: (problem) => {
      log.warn({ problem }, 'changes of orders and files are not audited. Run "npm run migrate" and restart');
    },
    onLost: ({ viewer, requestId, way }, files, error) => {
      metrics.auditLost(files.length);
      log.error({ err: error, audit: { way, requestId, viewer, files } }, 'a change of files is not in the audit log');
    },
  });
  const problem = await keeping.settle().catch((error: unknown) => {
    log.warn({ err: error }, 'whether changes are audited is found out when the order database answers');
    return undefined;
  });
  if (problem !== undefined && audit.required)
    throw new ConfigError(`AUDIT: expected a database with an audit log, but ${problem}.`);
  return { keeping, read: (request, party, signal) => gate.run(() => auditLog.page(request, signal), party, signal) };
}
