import { Kind, parse } from 'graphql';
import type { Config } from '../config.js';
import type { Admission } from '../graphql/admission.js';
import type { ExampleSubjects } from '../graphql/examples.js';
import type { DemoIdentity } from '../graphql/landing-page.js';
import type { DemoOffer } from '../welcome.js';

const LATEST = '{ orders(window: 120, first: 3) { totalCount nodes { number status customer } } }';

export interface OfferParts {
  readonly admission: Admission;
  readonly subjects: ExampleSubjects;
  readonly identities: readonly DemoIdentity[];
}

/** What a person who starts the demo can try, of which this configuration refuses nothing. */
export function demoOffer({ operations, http }: Config, { admission, subjects, identities }: OfferParts): DemoOffer {
  const body = admission.takes(LATEST) ? { query: LATEST } : trustedBody(admission);
  return {
    identities,
    metricsNeedSecret: http.metricsSecrets !== undefined,
    page: !operations.sandbox || operations.trusted.only ? 'none' : operations.introspection ? 'sandbox' : 'console',
    ...(body && { body: JSON.stringify(body) }),
    ...(subjects.fileOfPartnerB !== undefined && { fileOfPartnerB: subjects.fileOfPartnerB }),
  };
}

/** Asks by its id for a query of the manifest that needs no variables. */
function trustedBody(admission: Admission): object | undefined {
  const known = admission.manifest?.operations.find(
    ({ type, body }) => type === 'query' && isComplete(body) && admission.takes(body),
  );
  return known && { operationName: known.name, extensions: { persistedQuery: { version: 1, sha256Hash: known.id } } };
}

function isComplete(body: string): boolean {
  return parse(body).definitions.every(
    (definition) =>
      definition.kind !== Kind.OPERATION_DEFINITION ||
      (definition.variableDefinitions ?? []).every(({ type, defaultValue }) => type.kind !== Kind.NON_NULL_TYPE || defaultValue),
  );
}
