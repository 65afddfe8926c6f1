import { createTypeScriptImportResolver } from 'eslint-import-resolver-typescript';
import boundaries from 'eslint-plugin-boundaries';
import prettier from 'eslint-config-prettier';
import tseslint from 'typescript-eslint';
import { groups as bundled } from './scripts/lib/library-bundles.mjs';

/** Who may import whom of ours, as in CONTRIBUTING.md; test/architecture.spec.ts says the same in its own way. */
const imports = {
  contracts: [],
  workflow: ['contracts'],
  platform: [],
  'event-log': ['contracts', 'platform'],
  broker: ['contracts', 'platform'],
  filestore: ['contracts', 'platform'],
  yaml: ['contracts'],
  testing: ['contracts', 'workflow', 'platform', 'event-log', 'broker', 'filestore'],
  'studio-intake': ['contracts', 'workflow', 'broker', 'filestore', 'yaml', 'platform'],
  executor: ['contracts', 'workflow', 'broker', 'filestore', 'yaml', 'platform'],
  'state-store': ['contracts', 'workflow', 'event-log', 'broker', 'filestore', 'platform'],
  runner: ['contracts', 'workflow', 'event-log', 'broker', 'filestore', 'platform'],
  standalone: ['studio-intake', 'runner', 'executor', 'state-store', 'broker', 'filestore', 'event-log', 'platform'],
  cli: ['contracts', 'yaml'],
};
const libs = ['contracts', 'workflow', 'platform', 'event-log', 'broker', 'filestore', 'yaml', 'testing'];
const elements = Object.keys(imports).map((type) => ({
  type,
  pattern: `${libs.includes(type) ? 'libs' : 'apps'}/${type}`,
}));

/** Specs, and what only they use: `testing` folders and suites that several implementations pass. */
const specs = ['**/*.spec.ts', '**/*.contract.ts', '**/src/**/testing/**/*.ts', '**/src/**/conformance/**/*.ts'];
const tests = [...specs, 'test/**/*.ts', 'bench/**/*.ts', 'libs/testing/**/*.ts'];

/** Packages that belong to one place. */
const packageHomes = [
  { packages: ['amqplib'], homes: ['libs/broker/**/*.ts'] },
  { packages: ['typeorm', 'pg'], homes: ['libs/event-log/**/*.ts', 'apps/state-store/**/*.ts'] },
  { packages: ['@kubernetes/client-node'], homes: ['apps/executor/src/kubernetes/**/*.ts'] },
  { packages: ['js-yaml'], homes: ['libs/yaml/**/*.ts'] },
];

export default tseslint.config(
  { ignores: ['dist/', 'node_modules/', 'coverage/', '.ryax/', 'examples/', 'runtimes/'] },
  {
    files: ['**/*.{mjs,js,cjs}'],
    languageOptions: { ecmaVersion: 2024, sourceType: 'module' },
    rules: { 'no-undef': 'off', 'no-unused-vars': 'error', 'prefer-const': 'error', eqeqeq: 'error' },
  },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      // A projection ignores most events: a default says so. Where every case matters, the default is a `never` check.
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: { arguments: false } }],
      '@typescript-eslint/consistent-type-assertions': ['error', { assertionStyle: 'as' }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/no-extraneous-class': ['error', { allowEmpty: true, allowStaticOnly: true }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-confusing-void-expression': 'off',
      '@typescript-eslint/no-invalid-void-type': 'off',
      // Rejects the literal options of NestFactory.create, whose type happens to be a class.
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
      // Takes a field that was tested before an await for still the same after it.
      '@typescript-eslint/no-unnecessary-condition': 'off',
      eqeqeq: 'error',
      'no-console': 'error',
      'max-lines': ['error', { max: 300, skipComments: true, skipBlankLines: true }],
      ...restricted(),
    },
  },
  {
    files: ['apps/**/*.ts', 'libs/**/*.ts'],
    plugins: { boundaries },
    settings: {
      'boundaries/elements': elements,
      'boundaries/files': specs.map((pattern) => ({ category: 'spec', pattern })),
      'import/resolver-next': [createTypeScriptImportResolver({ project: 'tsconfig.json' })],
      'import/resolver': { typescript: { project: 'tsconfig.json' } },
    },
    rules: {
      'boundaries/dependencies': [
        'error',
        {
          default: 'allow',
          policies: [
            ...elements.map(({ type }) => ({
              from: { element: { type } },
              disallow: {
                to: { element: { types: { noneOf: [...imports[type], type] } } },
              },
              message: `${type} may import of ours only: ${imports[type].join(', ') || 'nothing'}`,
            })),
            {
              from: { file: { categories: 'spec' } },
              allow: { to: { element: { type: 'testing' } } },
            },
          ],
        },
      ],
    },
  },
  ...packageHomes.map(({ homes }) => ({ files: homes, rules: restricted({ except: homes }) })),
  { files: tests, rules: restricted({ except: 'packages' }) },
  {
    files: ['libs/workflow/src/**/*.ts', 'libs/contracts/src/**/*.ts'],
    ignores: specs,
    rules: pure(),
  },
  {
    files: ['libs/platform/src/config.ts', 'libs/testing/**/*.ts', 'test/**/*.ts', 'bench/**/*.ts', ...specs],
    rules: { 'no-restricted-properties': 'off' },
  },
  {
    files: ['apps/cli/**/*.ts', 'bench/**/*.ts', 'test/chaos/**/*.ts'],
    rules: { 'no-console': 'off' },
  },
  {
    files: tests,
    rules: {
      // Matchers such as expect.any() and parsed JSON are untyped by nature; mocks take methods off their object.
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/unbound-method': 'off',
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/no-empty-function': 'off',
      'max-lines': 'off',
    },
  },
  prettier,
);

/** A package has one home, the environment one reader. */
function restricted({ except } = {}) {
  const packages = except === 'packages' ? [] : packageHomes.filter(({ homes }) => homes !== except);
  return {
    '@typescript-eslint/no-restricted-imports': [
      'error',
      {
        patterns: [
          ...packages.map((home) => ({
            group: home.packages.flatMap((name) => [name, `${name}/*`]),
            message: `Only ${home.homes.join(' and ')} may import it.`,
          })),
          {
            group: bundled.flat().map((name) => `${name}/*`),
            message: 'It is bundled by its name (scripts/lib/library-bundles.mjs): this would load it a second time.',
          },
        ],
      },
    ],
    'no-restricted-properties': [
      'error',
      { object: 'process', property: 'env', message: 'Only loadConfig in libs/platform reads the environment.' },
    ],
  };
}

/** Deciding is pure: the same log gives the same state, on any machine and in any year. */
function pure() {
  const message = 'libs/workflow and libs/contracts are pure: no clock, no chance, no waiting, no I/O.';
  return {
    '@typescript-eslint/no-restricted-imports': [
      'error',
      { patterns: [{ regex: String.raw`^(?!\.|@ryax/contracts$|zod$|@marcbachmann/cel-js$)`, message }] },
    ],
    'no-restricted-globals': [
      'error',
      ...['process', 'performance', 'crypto', 'fetch', 'Buffer', 'setTimeout', 'setInterval', 'setImmediate'].map(
        (name) => ({ name, message }),
      ),
      ...['queueMicrotask', 'require', 'Promise', '__dirname', 'console'].map((name) => ({ name, message })),
    ],
    'no-restricted-properties': [
      'error',
      { object: 'Math', property: 'random', message },
      { object: 'Date', property: 'now', message },
    ],
    'no-restricted-syntax': [
      'error',
      { selector: 'NewExpression[callee.name="Date"][arguments.length=0]', message },
      { selector: 'CallExpression[callee.name="Date"]', message },
      { selector: ':function[async=true]', message },
      { selector: 'AwaitExpression, ImportExpression', message },
    ],
  };
}
