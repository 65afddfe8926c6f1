import pg from 'pg';
import { PgBoss } from 'pg-boss';
import { expectDurablePostgres } from '../lib/durability.mjs';
import { bossOptions, queue, schema } from './settings.mjs';

/** @returns {Promise<import('../lib/workloads.mjs').PeerClient>} */
export async function openClient({ url }) {
  const db = new pg.Pool({ connectionString: url, max: 2 });
  await expectDurablePostgres(db);
  const boss = new PgBoss({ ...bossOptions, connectionString: url, useListenNotify: false, supervise: false });
  boss.on('error', (error) => console.error(error.message));
  await boss.start();
  await boss.createQueue(queue, { notify: true, retryLimit: 3 });
  return {
    submit: (run) => boss.send(queue, { ...run, index: 0 }),
    async endedRuns({ runs, steps }) {
      const { rows } = await db.query(
        `select state, count(*)::int as jobs from ${schema}.job where name = $1 group by state`,
        [queue],
      );
      const count = Object.fromEntries(rows.map(({ state, jobs }) => [state, jobs]));
      if (count.failed > 0 || count.retry > 0 || count.completed > steps) {
        throw new Error(`Expected ${steps} completed jobs, found ${JSON.stringify(count)}`);
      }
      return count.completed === steps && rows.length === 1 ? runs : -1;
    },
    async close() {
      await boss.stop({ graceful: false });
      await db.end();
    },
  };
}
