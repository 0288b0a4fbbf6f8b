import { valuesOrExit } from '../test/support/command-line.js';
import { ALLOWED, licenceProblems } from './supply-chain/licences.js';
import { readLock, runtimePackages } from './supply-chain/lock.js';

/** `npm run licences`: everything that is deployed has a licence of the list. */
valuesOrExit({ name: 'npm run licences', does: 'Checks that everything that is deployed has an allowed licence.', options: {} });
const packages = runtimePackages(readLock());
const problems = licenceProblems(packages, '.');
for (const problem of problems) console.error(problem);
if (problems.length > 0) console.error(`Licences must be among ${[...ALLOWED].join(', ')}.`);
else console.log(`${packages.length} packages, all with an allowed licence`);
process.exitCode = problems.length > 0 ? 1 : 0;
