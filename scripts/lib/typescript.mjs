import { createRequire, Module } from 'node:module';
import { inRoot } from './paths.mjs';

const require = createRequire(import.meta.url);

/**
 * Loads a TypeScript module of ours as it is, so that a script which must work before the first build (or beside a broken one)
 * can use the product's code instead of a second copy. It may import files, packages and libs (`@ryax/…`).
 */
export function loadTypeScript(...path) {
  registerTypeScript();
  return require(inRoot(...path));
}

let registered = false;

function registerTypeScript() {
  if (registered) return;
  registered = true;
  const { transformSync } = require('@swc/core');
  const { readFileSync } = require('node:fs');
  const options = {
    jsc: {
      target: 'es2022',
      parser: { syntax: 'typescript', decorators: true },
      transform: { legacyDecorator: true, decoratorMetadata: true, useDefineForClassFields: false },
    },
    module: { type: 'commonjs' },
    sourceMaps: 'inline',
    swcrc: false,
  };
  // Also makes `.ts` an extension that is tried for imports without one.
  require.extensions['.ts'] = (module, filename) => {
    module._compile(transformSync(readFileSync(filename, 'utf8'), { ...options, filename }).code, filename);
  };
  const resolve = Module._resolveFilename;
  Module._resolveFilename = (name, ...rest) => resolve(libPath(name) ?? name, ...rest);
}

/** `@ryax/platform` → `libs/platform/src`, as tsconfig.json says. */
function libPath(name) {
  const lib = /^@ryax\/([a-z-]+)$/.exec(name)?.[1];
  return lib === undefined ? undefined : inRoot('libs', lib, 'src');
}
