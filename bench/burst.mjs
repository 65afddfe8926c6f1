// npm run burst [-- --submissions 50000] [--clients 200]: more submissions at once than the engine can take. See docs/reliability.md.
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
  const { burst } = loadTypeScript('bench', 'src', 'burst', 'burst.ts');
  process.exitCode = await burst(process.argv.slice(2), scripts);
} catch (error) {
  console.error(error.stack ?? error.message);
  process.exitCode = 1;
}
