const libs = ['contracts', 'workflow', 'yaml', 'event-log', 'broker', 'filestore', 'platform', 'testing'];

/** Packages that ship only ES modules: Jest on Node 20 cannot load them untransformed. */
const esmOnly = [
  '@nestjs',
  '@kubernetes',
  '@marcbachmann',
  'cookie',
  'content-disposition',
  'file-type',
  'openid-client',
  'oauth4webapi',
  'jose',
];

export default {
  rootDir: '.',
  testEnvironment: 'node',
  roots: ['<rootDir>/apps', '<rootDir>/libs', '<rootDir>/test', '<rootDir>/bench'],
  testRegex: String.raw`\.spec\.ts$`,
  moduleNameMapper: Object.fromEntries(libs.map((lib) => [`^@ryax/${lib}$`, `<rootDir>/libs/${lib}/src`])),
  transform: {
    '^.+\\.(ts|js|mjs)$': [
      '@swc/jest',
      {
        jsc: {
          target: 'es2022',
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: true, useDefineForClassFields: false },
          keepClassNames: true,
        },
        module: { type: 'commonjs' },
      },
    ],
  },
  transformIgnorePatterns: [`/node_modules/(?!(${esmOnly.join('|')})/)`, '<rootDir>/dist/'],
  modulePathIgnorePatterns: ['<rootDir>/dist/'],
  testTimeout: 30_000,
  // Many specs wait for servers and processes rather than compute.
  maxWorkers: 2,
  testSequencer: '<rootDir>/scripts/lib/long-specs-first.mjs',
  // The second writes only where `npm test` asks it to.
  reporters: ['default', '<rootDir>/scripts/lib/count-reporter.mjs'],
};
