// npm run chaos [-- --seed N --faults N --only kill,pause]: breaks the distributed engine, and finds out what it has lost by
// it. See docs/reliability.md.
import { ensureModules } from '../../scripts/lib/modules.mjs';

try {
  await ensureModules();
  // Only now: these need the node modules.
  const { loadTypeScript } = await import('../../scripts/lib/typescript.mjs');
  const scripts = {
    ...(await import('../../scripts/lib/build.mjs')),
    ...(await import('../../scripts/lib/install-rabbitmq.mjs')),
    ...(await import('../../scripts/lib/paths.mjs')),
    ...(await import('../../scripts/lib/processes.mjs')),
    ...(await import('../../scripts/lib/rabbitmq.mjs')),
  };
  const { campaign } = loadTypeScript('test', 'chaos', 'campaign.ts');
  process.exitCode = await campaign(process.argv.slice(2), scripts);
} catch (error) {
  console.error(error.stack ?? error.message);
  process.exitCode = 1;
}
