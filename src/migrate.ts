import { parseArgs } from 'node:util';
import { loadConfig } from './config.js';
import { migrate } from './sources/migrations/migrate.js';

/** `npm run migrate [-- --dry-run]`: brings the database of MES_DATABASE_URL to the newest schema. */
async function main(): Promise<void> {
  const { values } = parseArgs({ options: { 'dry-run': { type: 'boolean', default: false } } });
  const { url } = loadConfig(process.env).database;
  if (url === undefined) {
    throw new Error(
      'MES_DATABASE_URL must name the database to migrate, such as postgres://user@host:5432/mes. (The embedded database migrates itself.)',
    );
  }
  await migrate({ url, log: (line) => console.log(line), dryRun: values['dry-run'] });
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
