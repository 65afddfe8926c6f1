// Writes docs/asyncapi.json from the contracts: node scripts/generate-docs.mjs
// With --publish also records their schemas in libs/contracts/published/v1.json, as what later changes must not break.
import { mkdirSync, writeFileSync } from 'node:fs';
import { format, resolveConfig } from 'prettier';
import { inRoot } from './lib/paths.mjs';
import { loadTypeScript } from './lib/typescript.mjs';

const { asyncApiDocument } = loadTypeScript('libs', 'contracts', 'src', 'async-api.ts');
await write(asyncApiDocument(), inRoot('docs', 'asyncapi.json'));

if (process.argv.includes('--publish')) {
  const { jsonSchemas } = loadTypeScript('libs', 'contracts', 'src', 'async-api-schemas.ts');
  mkdirSync(inRoot('libs', 'contracts', 'published'), { recursive: true });
  await write(jsonSchemas(), inRoot('libs', 'contracts', 'published', 'v1.json'));
}

async function write(value, path) {
  const style = await resolveConfig(path);
  writeFileSync(path, await format(JSON.stringify(value, null, 2), { ...style, filepath: path }));
}
