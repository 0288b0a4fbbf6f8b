import { spawnSync } from 'node:child_process';
import { valuesOrExit } from '../test/support/command-line.js';
import { auditVerdict } from './supply-chain/advisories.js';

/** `npm run audit:deps`: exit code 0: no advisory for what is deployed; 1: there are some; 2: the registry did not say. */
valuesOrExit({ name: 'npm run audit:deps', does: 'Asks the registry for advisories on what is deployed.', options: {} });
const { stdout } = spawnSync('npm', ['audit', '--omit=dev', '--json'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
const { verdict, lines } = auditVerdict(stdout);
for (const line of lines) console.error(line);
if (verdict === 'clean') console.log('No known advisory for what is deployed.');
if (verdict === 'unknown')
  console.error('\nNOT CHECKED: the registry answered no advisories. Nothing is known of vulnerabilities.');
process.exitCode = { clean: 0, vulnerable: 1, unknown: 2 }[verdict];
