import { Logger, makeWorkerUtils } from 'graphile-worker';
import pg from 'pg';
import { expectDurablePostgres } from '../lib/durability.mjs';
import { schema } from './settings.mjs';

/** @returns {Promise<import('../lib/workloads.mjs').PeerClient>} */
export async function openClient({ url }) {
  const db = new pg.Pool({ connectionString: url, max: 2 });
  await expectDurablePostgres(db);
  const logger = new Logger(() => () => undefined);
  const utils = await makeWorkerUtils({ connectionString: url, schema, maxPoolSize: 16, logger });
  await utils.migrate();
  // The library has no join: the leaves of a fan count down in a table of our own.
  await db.query(`create table ${schema}.bench_join (id text primary key, open int not null)`);
  return {
    submit: (run) => utils.addJob('step', { ...run, index: 0 }),
    // Completed jobs are deleted: the store can only say that none is left, and the worker has counted the steps.
    async endedRuns({ runs }) {
      const { rows } = await db.query(
        `select count(*)::int as jobs, count(last_error)::int as failed from ${schema}._private_jobs`,
      );
      const [{ jobs, failed }] = rows;
      if (failed > 0) throw new Error(`Expected no failed jobs, found ${failed}`);
      return jobs === 0 ? runs : -1;
    },
    async close() {
      await utils.release();
      await db.end();
    },
  };
}
