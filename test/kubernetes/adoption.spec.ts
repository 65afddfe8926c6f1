import { LocalFileStore } from '@ryax/filestore';
import { waitFor } from '@ryax/testing';
import { PodApi } from '../../apps/executor/src/kubernetes/cluster/pod-api';
import type { Launch } from '../../apps/executor/src/launcher';
import { clockAhead, ioError, TestSite } from './site';
import { isReal, itWithTestServer, patienceMs, specMs } from './target';
import type { TestExecutor, Watched } from './test-executor';

/** In a cluster all of them have to begin while they are held up. */
const few = isReal ? 8 : 20;
/** More than there are connections for requests; 200 where `RYAX_TEST_PODS` asks for the long run. */
const many = process.env['RYAX_TEST_PODS'] === undefined ? 100 : 200;

describe('pods whose executor is gone', () => {
  let site: TestSite;
  beforeEach(async () => {
    site = await TestSite.open();
  }, specMs);
  afterEach(async () => {
    jest.restoreAllMocks();
    await TestSite.closeAll();
  }, specMs);

  /** Attempts of an executor whose containers run, held up by a gate. */
  async function begin(executor: TestExecutor, count: number) {
    const gate = site.gate();
    const script = `echo "begun $RYAX_RUN_ID"; ${gate.wait}; echo "over $RYAX_RUN_ID"`;
    const launches = Array.from({ length: count }, () => site.launch(script));
    const attempts = launches.map((launch) => executor.launch(launch));
    await Promise.all(attempts.map(({ log }) => log.has('begun')));
    return { gate, launches, attempts };
  }

  /** A runner says again and again who lives. */
  async function untilAdopted(count: number, executors: readonly TestExecutor[]): Promise<Watched[]> {
    const incarnations = executors.map(({ incarnation }) => incarnation);
    const adopted = () => executors.flatMap((each) => each.adopted);
    await waitFor(
      () => {
        executors.forEach(({ launcher }) => launcher.alive(incarnations));
        return adopted().length >= count;
      },
      { timeoutMs: patienceMs, intervalMs: 100, describe: () => `${count} adoptions, found ${adopted().length}` },
    );
    return adopted();
  }

  /** All of them, each once, with its whole output. */
  async function endWell(adopted: readonly Watched[], launches: readonly Launch[]): Promise<void> {
    expect(adopted.map(({ runId }) => runId).sort()).toEqual(launches.map(({ runId }) => runId).sort());
    for (const attempt of adopted) {
      expect(await attempt.outcome()).toMatchObject({ status: 'succeeded' });
      expect(attempt.log.lines).toEqual([`begun ${attempt.runId}`, `over ${attempt.runId}`]);
    }
  }

  async function handOver(count: number): Promise<void> {
    const first = await site.executor();
    const { gate, launches, attempts } = await begin(first, count);
    const uids = (await site.pods()).map(({ metadata }) => metadata?.uid).sort();
    expect(uids).toHaveLength(count);
    await first.close();
    expect(new Set(await Promise.all(attempts.map(({ running }) => running.ended)))).toEqual(new Set(['left']));

    const second = await site.executor();
    const adopted = await untilAdopted(count, [second]);
    await gate.open();
    await endWell(adopted, launches);
    // The same pods to the end: none was begun a second time.
    expect((await site.pods()).map(({ metadata }) => metadata?.uid).sort()).toEqual(uids);
    launches.forEach((launch) => second.forget(launch));
    await site.noPodIsLeft();
  }

  it(
    'end well that ended while one was adopted: the watch told of it before the answer came',
    async () => {
      const first = await site.executor();
      const { gate, launches } = await begin(first, 1);
      await first.close();
      const second = await site.executor();
      const [name = ''] = launches.map((launch) => site.podName(launch));
      const { label } = PodApi.prototype;
      jest.spyOn(PodApi.prototype, 'label').mockImplementationOnce(async function (this: PodApi, ...given) {
        const answered = await label.apply(this, given);
        await gate.open();
        const phase = () => second.launcher['pods'].find(name)?.status?.phase;
        await waitFor(() => phase() === 'Succeeded', { timeoutMs: patienceMs, describe: 'it to be known as ended' });
        return answered;
      });
      await endWell(await untilAdopted(1, [second]), launches);
    },
    specMs,
  );

  it('go on and end with its successor, which has their output from its beginning', () => handOver(few), specMs);

  itWithTestServer('go on by the hundred', () => handOver(many));

  it(
    'come with all that their outcome and its report need',
    async () => {
      const first = await site.executor();
      const gate = site.gate();
      const outputs = [{ name: 'total', type: 'integer', help: '', human_name: '' }];
      const resources = { cpu: 0.1, memory_bytes: 64 * 1024 * 1024 };
      const origin = { replyPartition: 7, since: 12_345, traceparent: `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01` };
      const script = `echo begun; ${gate.wait}; echo '{"total": 6}' > "$RYAX_OUTPUTS"`;
      const launch = site.launch(script, { action: { outputs }, resources, origin, timeoutMs: 3_600_000 });
      await first.launch(launch).log.has('begun');
      await first.close();

      const second = await site.executor();
      const [adopted] = await untilAdopted(1, [second]);
      await gate.open();
      expect(adopted?.adoption).toMatchObject({
        of: {
          ...{ project: 'default', run_id: launch.runId, execution: 'fit', attempt: 1 },
          ...{ reply_partition: 7, traceparent: origin.traceparent },
        },
        since: 12_345,
        resources,
      });
      expect(await adopted?.outcome()).toEqual({ status: 'succeeded', outputs: { total: 6 } });
    },
    specMs,
  );

  it.each(['runs', 'has ended'])(
    'end well although their inputs cannot be read at once by a successor, while the command %s',
    async (when) => {
      const first = await site.executor();
      const gate = site.gate();
      const password = await site.secret('opensesame');
      const launch = site.launch(`echo "begun $password"; ${gate.wait}; echo over`, { inputs: { password } });
      await first.launch(launch).log.has('begun');
      await first.close();
      if (when === 'has ended') {
        await gate.open();
        await site.containerIs('terminated', launch);
      }
      const reading = jest.spyOn(LocalFileStore.prototype, 'readSecret').mockRejectedValueOnce(ioError());
      const [adopted] = await untilAdopted(1, [await site.executor()]);
      if (when === 'runs') await adopted?.log.has('begun');
      await gate.open();
      expect(await adopted?.outcome()).toMatchObject({ status: 'succeeded' });
      expect(adopted?.log.lines).toEqual(['begun ****', 'over']);
      expect(reading.mock.calls.length).toBeGreaterThan(1);
    },
    specMs,
  );

  it(
    'that ended while no executor was there have their outcome and output',
    async () => {
      const first = await site.executor();
      const { gate, launches } = await begin(first, 3);
      await first.close();
      await gate.open();
      await Promise.all(launches.map((launch) => site.containerIs('terminated', launch)));
      await endWell(await untilAdopted(3, [await site.executor()]), launches);
    },
    specMs,
  );

  it(
    'keep to their time limit, counted from their start',
    async () => {
      const first = await site.executor();
      const launch = site.launch('trap "exit 0" TERM; echo begun; sleep 3600 & wait', { timeoutMs: 1_800_000 });
      await first.launch(launch).log.has('begun');
      await first.close();
      // It comes an hour later; counted from its own beginning the limit would be far.
      const second = await site.executor(undefined, undefined, { clock: clockAhead(3_600_000) });
      const [adopted] = await untilAdopted(1, [second]);
      expect(await adopted?.outcome()).toMatchObject({ status: 'failed', failure: { kind: 'timeout' } });
    },
    specMs,
  );

  it(
    'can be cancelled by its successor',
    async () => {
      const first = await site.executor();
      await first.launch(site.launch('trap "exit 0" TERM; echo begun; sleep 300 & wait')).log.has('begun');
      await first.close();
      const [adopted] = await untilAdopted(1, [await site.executor()]);
      adopted?.running.cancel(false);
      expect(await adopted?.outcome()).toEqual({ status: 'cancelled' });
      await site.noPodIsLeft();
    },
    specMs,
  );

  it(
    'are removed by the executor itself where their outcome is recorded while it leaves',
    async () => {
      const executor = await site.executor();
      const launch = site.launch('echo done');
      expect(await executor.launch(launch).outcome()).toMatchObject({ status: 'succeeded' });
      await executor.launcher.leave();
      executor.forget(launch);
      await executor.close();
      await site.noPodIsLeft();
    },
    specMs,
  );

  itWithTestServer('of which nobody can say whose they are are deleted, and asked to end once', async () => {
    const first = await site.executor();
    const launch = site.launch("trap 'echo told' TERM; echo begun; sleep 300 & wait; sleep 300");
    await first.launch(launch).log.has('begun');
    const [pod] = await site.pods();
    await first.close();
    const path = `/api/v1/namespaces/runs/pods/${pod?.metadata?.name}`;
    const body = { metadata: { annotations: { 'ryax.tech/origin': null } } };
    await site.ask({ method: 'PATCH', path, body, contentType: 'application/merge-patch+json' });
    const second = await site.executor();
    await waitFor(
      () => {
        second.launcher.alive([second.incarnation]);
        return site.server.pods('runs').length === 0;
      },
      { timeoutMs: patienceMs, describe: 'no pod to be left' },
    );
    expect(site.server.requestCounts['delete pods']).toBe(1);
    expect(second.adopted).toEqual([]);
    await waitFor(async () => !(await second.exists(launch)), { describe: 'the executor to know that it is gone' });
  });
});
