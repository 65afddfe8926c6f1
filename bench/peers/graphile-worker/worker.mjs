// A chain: the task adds the next job before its own completes, in another transaction. A fan: the first task adds all
// leaves and a row that counts them; the leaf that counts it down to zero adds the join.
import { EventEmitter } from 'node:events';
import { Logger, run } from 'graphile-worker';
import pg from 'pg';
import { Reporter, target } from '../lib/reporter.mjs';
import { presetFor, schema } from './settings.mjs';

const report = new Reporter();
const db = new pg.Pool({ connectionString: target.url, max: 20 });
const events = new EventEmitter();
events.setMaxListeners(0);
events.on('job:complete', ({ job, error }) => {
  if (error) report.failed(error);
  const { id, shape, index, steps } = job.payload;
  if (shape === 'join' || (shape === 'chain' && index + 1 === steps)) report.ended(id);
});

await run({
  preset: presetFor(target.url),
  taskList: { step },
  events,
  noHandleSignals: true,
  logger: new Logger(() => () => undefined),
  parsedCronItems: [],
});
report.ready();

async function step({ id, shape, index, steps }, { addJob, addJobs }) {
  report.step(id, index);
  if (shape === 'chain' && index + 1 < steps) await addJob('step', { id, shape, index: index + 1, steps });
  if (shape === 'fan') {
    await db.query(`insert into ${schema}.bench_join values ($1, $2)`, [id, steps]);
    const leaf = (number) => ({ identifier: 'step', payload: { id, shape: 'leaf', index: number, steps } });
    await addJobs(Array.from({ length: steps }, (_, i) => leaf(i + 1)));
  }
  if (shape === 'leaf') {
    const { rows } = await db.query(`update ${schema}.bench_join set open = open - 1 where id = $1 returning open`, [
      id,
    ]);
    if (rows[0].open === 0) await addJob('step', { id, shape: 'join', index: steps + 1, steps });
  }
}
