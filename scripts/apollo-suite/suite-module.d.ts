/** What is used of the suite, which is not installed where the compiler looks. */
declare module '@apollo/server-integration-testsuite' {
  import type { ApolloServer, ApolloServerOptions, BaseContext, ContextThunk } from '@apollo/server';

  export interface CreateServerForIntegrationTestsResult {
    readonly server: ApolloServer;
    readonly url: string;
    readonly extraCleanup?: () => Promise<void>;
  }

  export type CreateServerForIntegrationTests = (
    config: ApolloServerOptions<BaseContext>,
    options?: { readonly context?: ContextThunk },
  ) => Promise<CreateServerForIntegrationTestsResult>;

  export function defineIntegrationTestSuite(createServer: CreateServerForIntegrationTests): void;
}
