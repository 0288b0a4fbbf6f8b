import tseslint from 'typescript-eslint';

const environment = [
  'error',
  { object: 'process', property: 'env', message: 'Read the environment in src/config.ts only; take what you need from Config.' },
];
const importedEnvironment = ['error', { name: 'node:process', importNames: ['env'] }, { name: 'process', importNames: ['env'] }];

export default tseslint.config(
  { ignores: ['dist/', 'coverage/', '.data/', '.servers/', 'src/graphql/generated/'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      eqeqeq: 'error',
      'no-console': 'error',
      'no-implicit-coercion': 'error',
      'object-shorthand': 'error',
      'prefer-const': 'error',
      'no-restricted-properties': environment,
      'no-restricted-imports': importedEnvironment,
      'max-lines': ['error', { max: 250, skipBlankLines: true, skipComments: true }],
      'max-lines-per-function': ['error', { max: 60, skipBlankLines: true, skipComments: true }],
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      // A hook in an object of options may be async; whoever calls it awaits it.
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: { properties: false } }],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', ignoreRestSiblings: true }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-confusing-void-expression': 'off',
      // `JSON.stringify` can answer `undefined`, whatever its type says.
      '@typescript-eslint/no-unnecessary-type-conversion': 'off',
      // A type predicate names its parameter once and still needs it.
      '@typescript-eslint/no-unnecessary-type-parameters': 'off',
      // What a rejection is, is told by the signature of whoever takes it.
      '@typescript-eslint/use-unknown-in-catch-callback-variable': 'off',
      // A port's method is async although one of its adapters has nothing to wait for.
      '@typescript-eslint/require-await': 'off',
    },
  },
  {
    files: ['src/config.ts', 'src/main.ts', 'src/migrate.ts'],
    rules: { 'no-restricted-properties': 'off', 'no-restricted-imports': 'off', 'no-console': 'off' },
  },
  {
    // A client may send `null` for an argument that has a default; the generated types leave that out.
    files: ['src/graphql/resolvers.ts'],
    rules: { '@typescript-eslint/no-unnecessary-condition': 'off' },
  },
  {
    files: ['test/**/*.ts', 'bench/**/*.ts', 'scripts/**/*.ts', '*.ts'],
    rules: {
      'no-restricted-properties': 'off',
      'no-restricted-imports': 'off',
      'no-console': 'off',
      'max-lines': 'off',
      // `describe` is a function, and so is everything in it.
      'max-lines-per-function': 'off',
      // Asymmetric matchers such as `expect.any(Number)` are typed `any`.
      '@typescript-eslint/no-unsafe-assignment': 'off',
      // A conformance suite takes the functions of its subject apart.
      '@typescript-eslint/unbound-method': 'off',
      // In a test a wrong `!` fails as loudly as an assertion.
      '@typescript-eslint/no-non-null-assertion': 'off',
    },
  },
);
