import type { IncomingMessage, Server } from 'node:http';
import type { GatewayError } from '../errors.js';
import { ExpectationError } from './http-error.js';

/** Whether the client waits to be told to go on (RFC 9110 §10.1.1). */
export function isExpectant({ headers }: Pick<IncomingMessage, 'headers'>): boolean {
  return headers.expect?.toLowerCase() === '100-continue';
}

/** What is wrong with the header "Expect", which HTTP/1.0 does not have. */
export function expectationProblem(request: IncomingMessage): GatewayError | undefined {
  if (request.headers.expect === undefined || request.httpVersion === '1.0' || isExpectant(request)) return undefined;
  return new ExpectationError('The header "Expect" must be "100-continue", or absent.');
}

/**
 * Makes whatever a client expects a request like any other. Node would tell every client at once to go on, where an upload is
 * looked at first, and would refuse what else is expected in words of its own.
 */
export function answerExpectations(server: Server): void {
  server.on('checkContinue', (request, response) => {
    if (request.method !== 'PUT' && isExpectant(request)) response.writeContinue();
    server.emit('request', request, response);
  });
  server.on('checkExpectation', (request, response) => server.emit('request', request, response));
}
