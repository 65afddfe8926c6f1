// A chain: the handler adds the next jobs in the transaction that completes the present ones. A fan: the first job adds a
// flow of leaves and of a join that depends on all of them; a background resolver frees the join (it looks once a second).
import { PgBoss } from 'pg-boss';
import { Reporter, target } from '../lib/reporter.mjs';
import { bossOptions, queue, workOptions } from './settings.mjs';

const report = new Reporter();
const boss = new PgBoss({ ...bossOptions, connectionString: target.url, useListenNotify: true });
boss.on('error', (error) => report.failed(error));
await boss.start();
await boss.work(queue, workOptions, work);
report.ready();

async function work(jobs, { db }) {
  const next = [];
  const ended = [];
  for (const { data } of jobs) {
    const { id, shape, index, steps } = data;
    report.step(id, index);
    if (shape === 'chain' && index + 1 < steps) next.push({ data: { id, shape, index: index + 1, steps } });
    if (shape === 'fan') await boss.flow(fanOf(id, steps), { db });
    if (shape === 'join' || (shape === 'chain' && index + 1 === steps)) ended.push(id);
  }
  if (next.length > 0) await boss.insert(queue, next, { db });
  // Just before the commit: the library calls nobody after it.
  for (const id of ended) report.ended(id);
  return { ok: true };
}

function fanOf(id, steps) {
  const node = (ref, shape, index) => ({ ref, name: queue, data: { id, shape, index, steps } });
  const leaves = Array.from({ length: steps }, (_, index) => node(`${index}`, 'leaf', index + 1));
  return [...leaves, { ...node('join', 'join', steps + 1), dependsOn: leaves.map(({ ref }) => ref) }];
}
