// npm run bench [-- --quick] [--json FILE] [--peers]: measures the whole engine on this machine. See bench/README.md.
import { ensureModules } from '../scripts/lib/modules.mjs';

try {
  await ensureModules();
  // Only now: these need the node modules.
  const { loadTypeScript } = await import('../scripts/lib/typescript.mjs');
  const scripts = {
    ...(await import('../scripts/lib/build.mjs')),
    ...(await import('../scripts/lib/paths.mjs')),
    ...(await import('../scripts/lib/processes.mjs')),
    ...(await import('../scripts/lib/local-servers.mjs')),
    ...(await import('../scripts/lib/engine.mjs')),
    ...(await import('../scripts/lib/services.mjs')),
  };
  const { bench } = loadTypeScript('bench', 'src', 'bench.ts');
  const peers = await import('./peers/index.mjs');
  process.exitCode = await bench(process.argv.slice(2), scripts, peers);
} catch (error) {
  console.error(error.stack ?? error.message);
  process.exitCode = 1;
}
