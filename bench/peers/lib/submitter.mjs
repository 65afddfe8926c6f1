// A process of its own, under the Node that the peer needs: submits the runs, starts the worker, measures and checks.
import { Meter } from './meter.mjs';
import { WorkerProcess } from './worker-process.mjs';
import { Session } from './workloads.mjs';

process.once('message', async (request) => {
  const answer = await measureAll(request).then(
    (measured) => ({ measured }),
    (error) => ({ error: error.message }),
  );
  process.send(answer, () => process.exit(0));
});
process.once('disconnect', () => process.exit(1));

/** @param {{ peer: string, target: object, serverPid: number, workloads: string[], isQuick: boolean }} request */
async function measureAll({ peer, target, serverPid, workloads, isQuick }) {
  const { openClient } = await import(new URL(`../${peer}/client.mjs`, import.meta.url).href);
  const client = await openClient(target);
  const worker = new WorkerProcess(new URL(`../${peer}/worker.mjs`, import.meta.url), target);
  const session = new Session(client, worker);
  const groups = { server: serverPid, worker: worker.pid, submitter: process.pid };
  try {
    return await Promise.race([worker.failure, measureInTurn()]);
  } finally {
    await worker.stop();
    await client.close();
  }

  async function measureInTurn() {
    await worker.on('ready');
    await client.workerIsReady?.();
    await session.warmUp({ isQuick });
    const measured = [];
    for (const workload of session.plan({ workloads, isQuick })) {
      measured.push(await measureOne(workload));
    }
    return measured;
  }

  async function measureOne({ name, steps, measure }) {
    const stepsBefore = await worker.steps();
    const meter = new Meter(groups);
    const figures = await measure();
    const { cpuSeconds, peakRssMib } = meter.stop();
    await session.untilEnded();
    const executed = (await worker.steps()) - stepsBefore;
    if (executed < steps) throw new Error(`${name}: expected ${steps} executed steps, found ${executed}`);
    if (executed > steps) console.error(`${name}: ${executed - steps} steps were executed more than once`);
    return { workload: name, figures, cpuUsPerStep: (cpuSeconds * 1e6) / steps, peakRssMib };
  }
}
