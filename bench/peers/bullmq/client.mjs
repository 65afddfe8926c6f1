import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { connectionOf, jobOptions, queueName } from './settings.mjs';

const openStates = ['active', 'wait', 'delayed', 'waiting-children'];

/** @returns {Promise<import('../lib/workloads.mjs').PeerClient>} */
export async function openClient(target) {
  const connection = connectionOf(target);
  await expectFsync(connection);
  const queue = new Queue(queueName, { connection, defaultJobOptions: jobOptions });
  await queue.waitUntilReady();
  return {
    submit: (run) => queue.add('step', { ...run, index: 0 }, { jobId: `${run.id}-0` }),
    async endedRuns({ runs, steps }) {
      const count = await queue.getJobCounts('completed', 'failed', ...openStates);
      if (count.failed > 0 || count.completed > steps) {
        throw new Error(`Expected ${steps} completed jobs, found ${JSON.stringify(count)}`);
      }
      const hasOpen = openStates.some((state) => count[state] > 0);
      return count.completed === steps && !hasOpen ? runs : -1;
    },
    close: () => queue.close(),
  };
}

async function expectFsync(connection) {
  const redis = new Redis(connection);
  const settings = [...(await redis.config('GET', 'appendonly')), ...(await redis.config('GET', 'appendfsync'))];
  await redis.quit();
  if (settings.join(' ') !== 'appendonly yes appendfsync always') {
    throw new Error(`Expected Redis to fsync always, found ${settings.join(' ')}`);
  }
}
