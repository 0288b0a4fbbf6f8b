import { execFileSync } from 'node:child_process';
import { MIB } from '../src/units.js';
import { readLock } from './supply-chain/lock.js';
import { runtimeSbom, type Sbom } from './supply-chain/sbom.js';

/** `npm run --silent sbom`: what is deployed, as CycloneDX, from the lock file alone; needs no network. */
const whole = execFileSync('npm', ['sbom', '--package-lock-only', '--sbom-format', 'cyclonedx'], {
  encoding: 'utf8',
  maxBuffer: 64 * MIB,
  stdio: ['ignore', 'pipe', 'inherit'],
});
console.log(JSON.stringify(runtimeSbom(JSON.parse(whole) as Sbom, readLock()), undefined, 2));
