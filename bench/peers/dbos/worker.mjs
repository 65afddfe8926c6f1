// A run is an enqueued workflow whose steps run in this process: recorded, not dispatched.
import { DBOS } from '@dbos-inc/dbos-sdk';
import { Reporter, target } from '../lib/reporter.mjs';
import { applicationVersion, poolSize, queueName, queueOptions } from './settings.mjs';

const report = new Reporter();
DBOS.setConfig({
  name: 'bench',
  systemDatabaseUrl: target.url,
  systemDatabasePoolSize: poolSize,
  applicationVersion,
  logLevel: 'error',
});
DBOS.registerWorkflow(chain, { name: 'chain' });
DBOS.registerWorkflow(fan, { name: 'fan' });
await DBOS.launch();
// It is polled a moment later; the runs that warm the worker up wait for that.
await DBOS.registerQueue(queueName, queueOptions);
report.ready();

async function chain(id, steps) {
  for (let index = 0; index < steps; index += 1) await step(id, index);
  report.ended(id);
}

async function fan(id, width) {
  await step(id, 0);
  const results = await Promise.all(Array.from({ length: width }, (_, index) => step(id, index + 1)));
  if (results.some(({ ok }) => !ok)) throw new Error('A result of the fan is missing');
  await step(id, width + 1);
  report.ended(id);
}

function step(id, index) {
  return DBOS.runStep(async () => report.step(id, index), { name: 'noop' });
}
