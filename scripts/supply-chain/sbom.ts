import { runtimePackages, type Lock } from './lock.js';

/** CycloneDX 1.5 as `npm sbom` writes it, as far as it is looked at here. */
export interface Sbom {
  readonly bomFormat: string;
  readonly specVersion: string;
  readonly metadata: { readonly component: { readonly 'bom-ref': string } };
  readonly components: readonly SbomComponent[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn?: readonly string[] }[];
}

export interface SbomComponent {
  readonly 'bom-ref': string;
  readonly name: string;
  readonly version: string;
  readonly hashes?: readonly { readonly alg: string }[];
}

/**
 * What of a whole SBOM is deployed. `npm sbom --omit=dev` cannot tell: it leaves out also what both the gateway and a
 * development tool depend on.
 */
export function runtimeSbom<T extends Sbom>(whole: T, lock: Lock): T {
  const deployed = new Set(runtimePackages(lock).map(({ name, version }) => `${name}@${String(version)}`));
  const isDeployed = (ref: string): boolean => deployed.has(ref) || ref === whole.metadata.component['bom-ref'];
  return {
    ...whole,
    components: whole.components.filter(({ 'bom-ref': ref }) => isDeployed(ref)),
    dependencies: whole.dependencies
      .filter(({ ref }) => isDeployed(ref))
      .map(({ ref, dependsOn = [] }) => ({ ref, dependsOn: dependsOn.filter(isDeployed) })),
  };
}
