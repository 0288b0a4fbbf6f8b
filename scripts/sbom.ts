import { execFileSync } from 'node:child_process';
import { MIB } from '../src/units.js';
import { valuesOrExit } from '../test/support/command-line.js';
import { readLock } from './supply-chain/lock.js';
import { runtimeSbom, type Sbom } from './supply-chain/sbom.js';

/** `npm run --silent sbom`: what is deployed, as CycloneDX, from the lock file alone; needs no network. */
valuesOrExit({ name: 'npm run --silent sbom', does: 'Prints what is deployed, as CycloneDX, from the lock file.', options: {} });
const whole = execFileSync('npm', ['sbom', '--package-lock-only', '--sbom-format', 'cyclonedx'], {
  encoding: 'utf8',
  maxBuffer: 64 * MIB,
  stdio: ['ignore', 'pipe', 'inherit'],
});
console.log(JSON.stringify(runtimeSbom(JSON.parse(whole) as Sbom, readLock()), undefined, 2));
