import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { build } from 'esbuild';
import { inRoot, root } from './paths.mjs';

/**
 * Libraries of many small files, which cost a service more time at its start than all of ours. Those of one list are one file: they
 * reach into each other.
 */
export const groups = [
  ['@nestjs/common', '@nestjs/core', '@nestjs/microservices', '@nestjs/platform-fastify', '@nestjs/swagger', 'rxjs'],
  ['typeorm'],
  ['zod'],
  ['prom-client'],
];

/** Where what lies in dist/ looks for a library before it looks beside dist/. Whatever is not there is found as before. */
const folder = inRoot('dist', 'node_modules');

/** Puts each group into one file of dist/node_modules, of the versions that are installed. */
export async function bundleLibraries() {
  // Whole at once: a service that starts meanwhile must not have one library from here and its neighbour from elsewhere.
  const made = `${folder}.${process.pid}`;
  await Promise.all(groups.map((group) => bundle(group, made)));
  await rm(folder, { recursive: true, force: true });
  await rename(made, folder);
}

async function bundle(group, into) {
  const [first] = group;
  const file = join(into, first, 'bundle.cjs');
  await build({
    stdin: {
      contents: group.map((name) => `exports[${quoted(name)}] = () => require(${quoted(name)});`).join('\n'),
      resolveDir: root,
    },
    bundle: true,
    platform: 'node',
    target: 'node20.19',
    format: 'cjs',
    outfile: file,
    // What a library shares with its user, or leaves to its user to install.
    external: [...groups.flat().filter((name) => !group.includes(name)), ...(await peersOf(group))],
    define: { 'import.meta.url': 'importMetaUrl' },
    banner: { js: "const importMetaUrl = require('node:url').pathToFileURL(__filename).href;" },
    logLevel: 'warning',
  });
  for (const name of group) {
    const index = join(into, name, 'index.js');
    await mkdir(dirname(index), { recursive: true });
    const depth = '../'.repeat(name.split('/').length);
    await writeFile(index, `module.exports = require(${quoted(`${depth}${first}/bundle.cjs`)})[${quoted(name)}]();\n`);
  }
}

async function peersOf(group) {
  const manifests = group.map((name) => readFile(inRoot('node_modules', name, 'package.json'), 'utf8'));
  const peers = (await Promise.all(manifests)).flatMap((text) => Object.keys(JSON.parse(text).peerDependencies ?? {}));
  return peers.filter((name) => !group.includes(name));
}

function quoted(text) {
  return JSON.stringify(text);
}
