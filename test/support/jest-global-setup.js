import { tsImport } from 'tsx/esm/api';

/** Starts the servers that the test files share. Jest does not map `.js` to `.ts` for this file's imports; tsx does. */
export default async function setup() {
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true';
  const { startSharedServers } = await tsImport('./servers/start-shared.ts', import.meta.url);
  globalThis.stopSharedServers = await startSharedServers();
}
