import { DBOSClient } from '@dbos-inc/dbos-sdk';
import pg from 'pg';
import { expectDurablePostgres } from '../lib/durability.mjs';
import { applicationVersion, poolSize, queueName } from './settings.mjs';

const countRuns = `select status, count(*)::int as runs from dbos.workflow_status
  where name in ('chain', 'fan') group by status`;

/** @returns {Promise<import('../lib/workloads.mjs').PeerClient>} */
export async function openClient({ url }) {
  const db = new pg.Pool({ connectionString: url, max: 1 });
  await expectDurablePostgres(db);
  let client;
  return {
    async workerIsReady() {
      // Not before: the worker makes the tables.
      client = await DBOSClient.create({
        systemDatabaseUrl: url,
        systemDatabasePoolSize: poolSize,
        applicationName: 'bench',
      });
    },
    submit: ({ id, shape, steps }) =>
      client.enqueue({ queueName, workflowName: shape, workflowID: id, appVersion: applicationVersion }, id, steps),
    async endedRuns() {
      const { rows } = await db.query(countRuns);
      const failed = rows.find(({ status }) => !['ENQUEUED', 'PENDING', 'SUCCESS'].includes(status));
      if (failed) throw new Error(`Expected every run to succeed, found ${failed.runs} as ${failed.status}`);
      return rows.find(({ status }) => status === 'SUCCESS')?.runs ?? 0;
    },
    async close() {
      await client?.destroy();
      await db.end();
    },
  };
}
