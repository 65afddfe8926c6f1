import { rm, readFile } from 'node:fs/promises';
import { isFileReference, type JsonObject } from '@ryax/contracts';
import { Metrics } from '@ryax/platform';
import { waitFor } from '@ryax/testing';
import type { Launch } from '../../apps/executor/src/launcher';
import { clockAhead, type SiteOptions, type TestSite } from './site';
import { patienceMs } from './target';
import { describeHandlers, TestAction } from './test-action';
import type { TestExecutor } from './test-executor';

const limitMs = 3 * patienceMs;

async function idlePods({ registry }: Metrics): Promise<number | undefined> {
  const found = await registry.getSingleMetric('ryax_executor_warm_pods')?.get();
  return found?.values.find(({ labels }) => labels['state'] === 'idle')?.value;
}

function killIfThere(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // Removed with its pod.
  }
}

describeHandlers('warm pods (a test server runs their image from its folder)', () => {
  let action: TestAction;
  let site: TestSite;

  beforeEach(async () => {
    action = await TestAction.publish();
  }, limitMs);
  afterEach(() => action.close(), limitMs);

  const open = async (options: SiteOptions = {}) => {
    site = await action.site(options);
    return site.executor();
  };
  const launch = (inputs: JsonObject, fields: Partial<Omit<Launch, 'action'>> = {}) =>
    action.launch(site, inputs, fields);
  const waiting = (flag: string) => launch({ what: 'wait', name: 'waits', flag: action.path(flag) });
  const creations = () => site.server.requestCounts['create pods'] ?? 0;
  const podNames = async () => (await site.pods()).map(({ metadata }) => metadata?.name ?? '').sort();

  /** The process that the handler runs in: the same for calls of one warm pod. */
  async function workerOf(executor: TestExecutor, fields: Partial<Omit<Launch, 'action'>> = {}): Promise<unknown> {
    const { end } = await executor.run(launch({ what: 'pid', name: 'x' }, fields));
    if (end.outcome.status !== 'succeeded') throw new Error(JSON.stringify(end.outcome));
    return end.outcome.outputs['answer'];
  }

  /** No pod is left of which it does not know what it runs. */
  async function knowsAll(executor: TestExecutor): Promise<void> {
    const nobody = { ...launch({}), runId: 'nobody' };
    const isSo = async () => !(await executor.exists(nobody));
    await waitFor(isSo, { timeoutMs: patienceMs, describe: 'all pods to be adopted' });
  }

  async function untilAdopted(executor: TestExecutor, count: number): Promise<void> {
    await waitFor(
      () => {
        executor.launcher.alive([executor.incarnation]);
        return executor.adopted.length >= count;
      },
      { timeoutMs: patienceMs, intervalMs: 50, describe: () => `${count} adoptions, found ${executor.adopted.length}` },
    );
  }

  it(
    'serve one execution after the other, without a request to the cluster for each; each has its own log, inputs and outputs',
    async () => {
      const executor = await open();
      const first = await executor.run(launch({ what: 'first', name: 'a' }));
      site.server.resetRequestCounts();
      const stored = await site.files.put('some rows\n');
      const rows = { $file: stored.hash, name: 'rows.csv', size: stored.size, kind: 'file' };
      const second = await executor.run(launch({ what: 'second', name: 'b', rows }));
      for (let times = 0; times < 5; times++) await workerOf(executor);
      const asked = Object.keys(site.server.requestCounts).filter((name) => !/^(list|watch) /.test(name));
      expect(asked).toEqual([]);

      expect(first.log.lines).toEqual(['begun first']);
      expect(second.log.lines).toEqual(['begun second']);
      if (second.end.outcome.status !== 'succeeded') throw new Error(JSON.stringify(second.end.outcome));
      const { answer, copy } = second.end.outcome.outputs;
      expect(answer).toBe('SECOND');
      if (!isFileReference(copy)) throw new Error(`Expected a file, found ${JSON.stringify(copy)}`);
      expect(String(await site.files.read(copy.$file))).toBe('SOME ROWS\n');
      expect(await site.pods()).toHaveLength(1);
    },
    limitMs,
  );

  it(
    'are one for each project, and for each amount of resources',
    async () => {
      const executor = await open();
      const workers = [
        await workerOf(executor),
        await workerOf(executor, { project: 'other' }),
        await workerOf(executor, { resources: { memory_bytes: 64 * 1024 * 1024 } }),
      ];
      expect(new Set(workers).size).toBe(3);
      expect(await workerOf(executor)).toBe(workers[0]);
      expect(await workerOf(executor, { project: 'other' })).toBe(workers[1]);
      expect(creations()).toBe(3);
    },
    limitMs,
  );

  it(
    'grow with what runs at once, and go when they had no work for so long',
    async () => {
      const executor = await open({ executor: { idleMs: 2_000 } });
      const three = ['a', 'b', 'c'].map((flag) => ({ flag, begun: executor.launch(waiting(flag)) }));
      await Promise.all(three.map(({ begun }) => begun.log.has('begun wait')));
      expect(await site.pods()).toHaveLength(3);
      for (const { flag, begun } of three) {
        await rm(action.path(flag));
        await begun.outcome();
        executor.forget({ ...launch({}), runId: begun.runId });
      }
      await workerOf(executor);
      expect(creations()).toBe(3);
      await site.noPodIsLeft();
    },
    limitMs,
  );

  it(
    'that are not to be kept go after each execution',
    async () => {
      const executor = await open({ executor: { idleMs: 0 } });
      await workerOf(executor);
      await site.noPodIsLeft();
    },
    limitMs,
  );

  it(
    'stay after an execution that fails by its own error, or whose process dies',
    async () => {
      const metrics = new Metrics();
      const executor = await open({ executor: { metrics } });
      // Its server is asked first whether it is well.
      const isFree = () => waitFor(async () => (await idlePods(metrics)) === 1, { timeoutMs: patienceMs });
      const refused = await executor.outcomeOf(launch({ what: 'refuse', name: 'a' }));
      expect(refused).toMatchObject({ failure: { kind: 'user', message: 'no such station', code: 404 } });
      await isFree();
      const crashed = await executor.outcomeOf(launch({ what: 'crash', name: 'b' }));
      expect(crashed).toMatchObject({ failure: { kind: 'crash', code: 7 } });
      await isFree();
      const invalid = await executor.outcomeOf(launch({ what: 'x' }));
      expect(invalid).toMatchObject({ failure: { kind: 'invalid', details: { input: 'name' } } });
      await isFree();
      await workerOf(executor);
      expect(creations()).toBe(1);
    },
    limitMs,
  );

  it(
    'whose handler cannot be loaded are replaced',
    async () => {
      const broken = await TestAction.publish('raise ValueError("no licence")');
      try {
        site = await broken.site();
        const executor = await site.executor();
        for (let times = 1; times <= 2; times++) {
          const failed = await executor.outcomeOf(broken.launch(site, { what: 'x', name: 'a' }));
          expect(failed).toMatchObject({ failure: { kind: 'crash', message: expect.stringContaining('no licence') } });
          await site.noPodIsLeft();
          expect(creations()).toBe(times);
        }
      } finally {
        await broken.close();
      }
    },
    limitMs,
  );

  it(
    'that die under an execution make it lost; the next attempt has another pod',
    async () => {
      const executor = await open();
      const wanted = waiting('flag');
      const begun = executor.launch(wanted);
      await begun.log.has('begun wait');
      const [dying] = await podNames();
      await site.deletePod(dying ?? '');
      expect(await begun.outcome()).toMatchObject({ status: 'failed', failure: { kind: 'lost' } });
      executor.forget(wanted);

      const again = executor.launch({ ...wanted, attempt: 2 });
      await again.log.has('begun wait');
      expect(await podNames()).not.toContain(dying);
      await rm(action.path('flag'));
      expect(await again.outcome()).toMatchObject({ status: 'succeeded' });
    },
    limitMs,
  );

  it(
    'take the next execution when the outcome of the last is with the broker, and not before',
    async () => {
      const executor = await open();
      const first = launch({ what: 'first', name: 'a' });
      expect(await executor.launch(first).outcome()).toMatchObject({ status: 'succeeded' });
      const second = executor.launch(launch({ what: 'second', name: 'b' }));
      // It waits for the pod that there is, not for another one.
      expect(creations()).toBe(1);
      expect(second.log.text).toBe('');
      const { project, runId, execution, attempt } = first;
      executor.launcher.reported({ project, run_id: runId, execution, attempt });
      expect(await second.outcome()).toMatchObject({ outputs: { answer: 'SECOND' } });
      expect(creations()).toBe(1);

      // Of what nobody reports it does not wait for ever.
      await executor.launch(launch({ what: 'third', name: 'c' })).outcome();
      expect(creations()).toBe(2);
    },
    limitMs,
  );

  it(
    'that are killed for their memory say so',
    async () => {
      const executor = await open();
      const begun = executor.launch(waiting('flag'));
      await begun.log.has('begun wait');
      const [name] = await podNames();
      site.server.misbehaviour.oomKill('runs', name ?? '');
      expect(await begun.outcome()).toMatchObject({ status: 'failed', failure: { kind: 'out-of-memory' } });
    },
    limitMs,
  );

  it(
    'that somebody deletes while they are idle are replaced when they are needed',
    async () => {
      const executor = await open();
      const worker = await workerOf(executor);
      const [name] = await podNames();
      await site.deletePod(name ?? '');
      await site.noPodIsLeft();
      expect(await workerOf(executor)).not.toBe(worker);
    },
    limitMs,
  );

  it(
    'go with an execution that is cancelled or has reached its time limit, whatever it has started',
    async () => {
      const executor = await open();
      const late = await executor.run({ ...waiting('never'), timeoutMs: 500 });
      expect(late.end.outcome).toMatchObject({ status: 'failed', failure: { kind: 'timeout' } });
      const begun = executor.launch(waiting('never'));
      await begun.log.has('begun wait');
      begun.running.cancel(false);
      expect(await begun.outcome()).toEqual({ status: 'cancelled' });
      await site.noPodIsLeft();
    },
    limitMs,
  );

  it(
    'of an execution that is cancelled before they start serve others',
    async () => {
      const executor = await open();
      site.server.misbehaviour.slowStarts(300);
      const cancelled = executor.launch(launch({ what: 'x', name: 'a' }));
      cancelled.running.cancel(false);
      expect(await cancelled.outcome()).toEqual({ status: 'cancelled' });
      await workerOf(executor);
      expect(creations()).toBe(1);
    },
    limitMs,
  );

  it(
    'that need the room of others displace those that were idle for longest',
    async () => {
      const nodePools = [{ name: 'default', cpu: 1, memory: '1G', nodes: 2, slots: 2 }];
      const executor = await open({ site: { nodePools } });
      const oldest = await workerOf(executor);
      const second = await workerOf(executor, { project: 'second' });
      const third = await workerOf(executor, { project: 'third' });
      const isTwo = async () => (await site.pods()).length === 2;
      await waitFor(isTwo, { timeoutMs: patienceMs, describe: 'two pods' });
      expect(await workerOf(executor, { project: 'second' })).toBe(second);
      expect(await workerOf(executor, { project: 'third' })).toBe(third);
      expect(await workerOf(executor)).not.toBe(oldest);
    },
    limitMs,
  );

  it(
    'that cannot be made fail who waits for them, with the cause and what to do',
    async () => {
      const executor = await open({ site: { actionImages: 'missing/actions', patience: { image: '1s' } } });
      const { end, log } = await executor.run(launch({ what: 'x', name: 'a' }));
      expect(end.outcome).toMatchObject({
        status: 'failed',
        failure: { kind: 'image', message: expect.stringContaining('cannot be had') },
      });
      expect(log.text).toContain('[ryax] Its pod waits: ');
      await site.noPodIsLeft();
    },
    limitMs,
  );

  it(
    'go on when their executor leaves: the next one has what runs, what has ended and is not settled, and what is idle',
    async () => {
      const first = await open();
      const [running, ended] = [waiting('runs'), waiting('ends')];
      const begun = [first.launch(running), first.launch(ended)];
      await Promise.all(begun.map(({ log }) => log.has('begun wait')));
      const idle = await workerOf(first);
      expect(creations()).toBe(3);
      await first.close();
      for (const attempt of begun) expect(await attempt.running.ended).toBe('left');
      await rm(action.path('ends'));

      const second = await site.executor();
      await untilAdopted(second, 2);
      await rm(action.path('runs'));
      for (const attempt of second.adopted) {
        expect(await attempt.outcome()).toMatchObject({ status: 'succeeded', outputs: { answer: 'WAIT' } });
        expect(attempt.log.lines).toEqual(['begun wait']);
        expect(attempt.adoption).toMatchObject({ of: { reply_partition: 3, execution: 'fit' }, since: 1_000 });
      }
      expect(second.adopted.map(({ runId }) => runId).sort()).toEqual([running.runId, ended.runId].sort());
      for (const attempt of [running, ended]) second.forget(attempt);
      await knowsAll(second);
      const workers = await Promise.all([1, 2, 3].map(() => workerOf(second)));
      expect(workers).toContain(idle);
      expect(new Set(workers).size).toBe(3);
      expect(creations()).toBe(3);
      expect(await site.pods()).toHaveLength(3);
    },
    limitMs,
  );

  it(
    'are judged by how long their servers say that an attempt has run: clocks of executors differ',
    async () => {
      const first = await open();
      const running = { ...waiting('flag'), timeoutMs: 600_000 };
      await first.launch(running).log.has('begun wait');
      await first.close();
      const second = await site.executor(undefined, undefined, { clock: clockAhead(3_600_000) });
      await untilAdopted(second, 1);
      await rm(action.path('flag'));
      expect(await second.adopted[0]?.outcome()).toMatchObject({ status: 'succeeded' });
    },
    limitMs,
  );

  it(
    'are shared by the executors that live: each attempt has one of them',
    async () => {
      const first = await open();
      const launches = ['a', 'b', 'c', 'd'].map((flag) => waiting(flag));
      const begun = launches.map((each) => first.launch(each));
      await Promise.all(begun.map(({ log }) => log.has('begun wait')));
      await first.close();
      const heirs = [await site.executor(), await site.executor()];
      const alive = heirs.map(({ incarnation }) => incarnation);
      const adopted = () => heirs.flatMap((heir) => heir.adopted);
      const areAdopted = () => {
        heirs.forEach(({ launcher }) => launcher.alive(alive));
        return adopted().length >= launches.length;
      };
      await waitFor(areAdopted, { timeoutMs: patienceMs, intervalMs: 50, describe: 'all to be adopted' });
      for (const flag of ['a', 'b', 'c', 'd']) await rm(action.path(flag));
      for (const attempt of adopted()) expect(await attempt.outcome()).toMatchObject({ outputs: { answer: 'WAIT' } });
      expect(
        adopted()
          .map(({ runId }) => runId)
          .sort(),
      ).toEqual(launches.map(({ runId }) => runId).sort());
      expect(creations()).toBe(4);
    },
    limitMs,
  );

  it(
    'that were on their way when their executor left serve for the next one',
    async () => {
      const first = await open();
      site.server.misbehaviour.slowStarts(1_000);
      const begun = first.launch(launch({ what: 'x', name: 'a' }));
      await waitFor(async () => (await site.pods()).length === 1, { describe: 'a pod' });
      await first.close();
      expect(await begun.running.ended).toBe('left');
      const second = await site.executor();
      second.launcher.alive([second.incarnation]);
      const [name] = await podNames();
      const isOwned = async () =>
        (await site.pods())[0]?.metadata?.labels?.['ryax.tech/executor'] === second.incarnation;
      await waitFor(isOwned, { describe: 'the pod to be adopted' });
      site.server.misbehaviour.calm();
      await knowsAll(second);
      await workerOf(second);
      expect(await podNames()).toEqual([name]);
    },
    limitMs,
  );

  it(
    'are asked before an attempt is called unknown, whoever they belong to',
    async () => {
      const first = await open();
      const second = await site.executor();
      const running = waiting('flag');
      await first.launch(running).log.has('begun wait');
      expect(await second.exists(running)).toBe(true);
      expect(await second.exists({ ...running, attempt: 2 })).toBe(false);
      expect(await first.exists(running)).toBe(false);

      // Who does not answer may run anything of its project, and nothing of another.
      const [pod] = await site.pods();
      const worker = Number(await readFile(action.path('flag.pid'), 'utf8'));
      process.kill(worker, 'SIGSTOP');
      try {
        expect(await second.exists({ ...running, attempt: 2 })).toBe(true);
        expect(await second.exists({ ...running, attempt: 2, project: 'other' })).toBe(false);
      } finally {
        process.kill(worker, 'SIGCONT');
      }
      expect(pod).toBeDefined();
    },
    limitMs,
  );

  it(
    'whose executor does not know that they are another’s by now run nothing more for it',
    async () => {
      const zombie = await open();
      const worker = await workerOf(zombie);
      const second = await site.executor();
      second.launcher.alive([second.incarnation]);
      await knowsAll(second);
      expect(await workerOf(second)).toBe(worker);
      expect(await workerOf(zombie)).not.toBe(worker);
    },
    limitMs,
  );

  it(
    'that do not answer whoever adopts them, on a node that is lost then, hold up no answer for ever',
    async () => {
      await open({ site: { patience: { unreachable: '7s' } }, server: { nodes: [{ name: 'one' }] } });
      const first = await site.executor();
      const running = waiting('flag');
      await first.launch(running).log.has('begun wait');
      const server = Number(await readFile(action.path('flag.pid'), 'utf8'));
      process.kill(server, 'SIGSTOP');
      try {
        await first.close();
        const second = await site.executor();
        second.launcher.alive([second.incarnation]);
        await waitFor(
          async () => (await site.pods())[0]?.metadata?.labels?.['ryax.tech/executor'] === second.incarnation,
        );
        expect(await second.exists(running)).toBe(true);
        // Its patience with the server ends before that with the node: the pod is deleted as one that could still end by itself.
        const adoptedAtMs = performance.now();
        await waitFor(() => performance.now() - adoptedAtMs > 4_500, { describe: 'some of its patience to be gone' });
        site.server.misbehaviour.loseNode('one');
        const isUnknown = async () => !(await second.exists(running));
        await waitFor(isUnknown, { timeoutMs: patienceMs, describe: 'the attempt to be nowhere' });
        await site.noPodIsLeft();
      } finally {
        killIfThere(server, 'SIGCONT');
      }
    },
    limitMs,
  );
});
