import { createRequire } from 'node:module';
import { inRoot } from './paths.mjs';

const require = createRequire(import.meta.url);

/**
 * Loads a TypeScript module of ours as it is, so that a script which must work before the first build (or beside a broken one)
 * can use the product's code instead of a second copy. Only for modules whose imports are relative or packages.
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
    jsc: { target: 'es2022', parser: { syntax: 'typescript', decorators: true } },
    module: { type: 'commonjs' },
    sourceMaps: 'inline',
    swcrc: false,
  };
  // Also makes `.ts` an extension that is tried for imports without one.
  require.extensions['.ts'] = (module, filename) => {
    module._compile(transformSync(readFileSync(filename, 'utf8'), { ...options, filename }).code, filename);
  };
}
