// A chain: the job adds the next one before it completes. These are two writes: a crash between them repeats the step, and
// the job id makes the second `add` do nothing. A fan: the first job adds a flow, whose parent is the join.
import { FlowProducer, Queue, Worker } from 'bullmq';
import { Reporter, target } from '../lib/reporter.mjs';
import { concurrency, connectionOf, jobOptions, queueName } from './settings.mjs';

const report = new Reporter();
const connection = connectionOf(target);
const queue = new Queue(queueName, { connection, defaultJobOptions: jobOptions });
const flows = new FlowProducer({ connection });

const worker = new Worker(queueName, work, { connection, concurrency });
worker.on('completed', ({ data: { id, shape, index, steps } }) => {
  if (shape === 'join' || (shape === 'chain' && index + 1 === steps)) report.ended(id);
});
worker.on('failed', (_job, error) => report.failed(error));
worker.on('error', (error) => console.error(error.message));
await worker.waitUntilReady();
report.ready();

async function work(job) {
  const { id, shape, index, steps } = job.data;
  const result = report.step(id, index);
  if (shape === 'chain' && index + 1 < steps) {
    await queue.add('step', { id, shape, index: index + 1, steps }, { jobId: `${id}-${index + 1}` });
  }
  if (shape === 'fan') await flows.add(joinOf(id, steps));
  if (shape === 'join') {
    const results = Object.values(await job.getChildrenValues());
    if (results.length !== steps || results.some(({ ok }) => !ok)) {
      throw new Error(`Expected ${steps} results, found ${results.length}`);
    }
  }
  return result;
}

function joinOf(id, steps) {
  const node = (shape, index, jobId) => ({
    name: 'step',
    queueName,
    data: { id, shape, index, steps },
    opts: { ...jobOptions, jobId },
  });
  const children = Array.from({ length: steps }, (_, index) => node('leaf', index + 1, `${id}-${index + 1}`));
  return { ...node('join', steps + 1, `${id}-join`), children };
}
