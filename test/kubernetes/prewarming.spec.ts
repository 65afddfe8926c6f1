import type { Prewarm } from '@ryax/contracts';
import { Log, Metrics } from '@ryax/platform';
import { waitFor } from '@ryax/testing';
import type { SiteOptions, TestSite } from './site';
import { patienceMs } from './target';
import { describeHandlers, TestAction } from './test-action';
import type { TestExecutor } from './test-executor';

const limitMs = 3 * patienceMs;

describeHandlers('warm pods that are made ahead (a test server runs their image from its folder)', () => {
  let action: TestAction;
  let site: TestSite;
  let metrics: Metrics;
  let warnings: string[];

  beforeEach(async () => {
    action = await TestAction.publish();
  }, limitMs);
  afterEach(() => action.close(), limitMs);

  const open = async (options: SiteOptions = {}) => {
    metrics = new Metrics();
    warnings = [];
    const log = new Log({ service: 'test', level: 'warn', write: (line) => warnings.push(line) });
    site = await action.site({ ...options, executor: { metrics, log, ...options.executor } });
    return site.executor();
  };
  const launch = (project = 'default') => action.launch(site, { what: 'x', name: 'a' }, { project });
  const creations = () => site.server.requestCounts['create pods'] ?? 0;

  function prewarm({ launcher }: TestExecutor, ...projects: readonly string[]): void {
    for (const project of projects) {
      const wanted: Prewarm = { project, handlers: [{ content_hash: action.hash, resources: {} }] };
      launcher.prewarm?.(wanted);
    }
  }

  /** How many handlers have come to that. */
  async function until(outcome: 'ready' | 'failed' | 'no-room', count: number): Promise<void> {
    const counted = async () => {
      const found = await metrics.registry.getSingleMetric('ryax_executor_prewarmed_total')?.get();
      return found?.values.find(({ labels }) => labels['outcome'] === outcome)?.value ?? 0;
    };
    const isSo = async () => (await counted()) === count;
    await waitFor(isSo, { timeoutMs: patienceMs, describe: `${count} ${outcome}` });
  }

  async function podsAre(count: number): Promise<void> {
    const isSo = async () => (await site.pods()).length === count;
    await waitFor(isSo, { timeoutMs: patienceMs, describe: `${count} pods` });
  }

  it(
    'are one for each handler and project, however often it is asked for; the first execution has it',
    async () => {
      const executor = await open();
      prewarm(executor, 'default', 'other', 'default');
      await podsAre(2);
      prewarm(executor, 'default', 'third');
      await until('ready', 3);
      expect(await executor.outcomeOf(launch())).toMatchObject({ outputs: { answer: 'X' } });
      expect(await executor.outcomeOf(launch('other'))).toMatchObject({ outputs: { answer: 'X' } });
      expect(creations()).toBe(3);
    },
    limitMs,
  );

  it(
    'are taken while they are on their way',
    async () => {
      const executor = await open();
      site.server.misbehaviour.slowStarts(500);
      prewarm(executor, 'default');
      await podsAre(1);
      expect(await executor.outcomeOf(launch())).toMatchObject({ status: 'succeeded' });
      expect(creations()).toBe(1);
    },
    limitMs,
  );

  it(
    'go when nobody has used them for so long since they were ready',
    async () => {
      const executor = await open({ executor: { idleMs: 1_500 } });
      prewarm(executor, 'default');
      await until('ready', 1);
      await podsAre(1);
      await site.noPodIsLeft();
    },
    limitMs,
  );

  it(
    'take half of what is free, and give way to whoever needs the room, before a pod that was used',
    async () => {
      const nodePools = [{ name: 'default', cpu: 1, memory: '1G', nodes: 3, slots: 3 }];
      const executor = await open({ site: { nodePools } });
      await executor.outcomeOf(launch('used'));
      prewarm(executor, 'ahead', 'without room');
      await until('no-room', 1);
      await until('ready', 1);
      await Promise.all([executor.outcomeOf(launch('third')), executor.outcomeOf(launch('fourth'))]);
      await podsAre(3);
      const projects = (await site.pods()).map(({ metadata }) => metadata?.labels?.['ryax.tech/project']);
      expect(projects.sort()).toEqual(['fourth', 'third', 'used']);
      expect(creations()).toBe(4);
    },
    limitMs,
  );

  it(
    'are none where an attempt has come to wait since they were asked for',
    async () => {
      const executor = await open();
      prewarm(executor, 'default');
      executor.hasWaiting = true;
      await until('no-room', 1);
      executor.hasWaiting = false;
      prewarm(executor, 'other');
      await until('ready', 1);
      expect(creations()).toBe(1);
    },
    limitMs,
  );

  it(
    'give way to a pod that finds no node, of whichever executor',
    async () => {
      const capacity = { cpu: 100, memory: '100Gi', 'ephemeral-storage': '100Gi', pods: 1 };
      const executor = await open({ server: { nodes: [{ name: 'small', capacity }] } });
      prewarm(executor, 'ahead');
      await until('ready', 1);
      const another = await site.executor(undefined, undefined, { metrics: new Metrics() });
      expect(await another.outcomeOf(launch('other'))).toMatchObject({ status: 'succeeded' });
      const projects = (await site.pods()).map(({ metadata }) => metadata?.labels?.['ryax.tech/project']);
      expect(projects).toEqual(['other']);
    },
    limitMs,
  );

  it(
    'whose image cannot be had are tried once, and fail nobody',
    async () => {
      const executor = await open({ site: { actionImages: 'missing/actions', patience: { image: '10s' } } });
      prewarm(executor, 'default');
      await podsAre(1);
      const refused = executor.launch(launch());
      expect(creations()).toBe(1);
      // Who waits for it gets one of its own, with all of the patience that it is due.
      await waitFor(() => creations() === 2, { timeoutMs: patienceMs, describe: 'another pod' });
      expect(await refused.outcome()).toMatchObject({ status: 'failed', failure: { kind: 'image' } });
      await site.noPodIsLeft();
      expect(creations()).toBe(2);
    },
    limitMs,
  );

  it(
    'that a quota forbids are asked for once, with a warning that says why',
    async () => {
      const executor = await open();
      site.server.setPolicy('runs', { maxPods: 0 });
      prewarm(executor, 'default');
      await until('failed', 1);
      expect(creations()).toBe(1);
      expect(warnings.map((line) => JSON.parse(line) as object)).toMatchObject([
        { project: 'default', content: action.hash, reason: expect.stringContaining('exceeded quota') },
      ]);
      site.server.setPolicy('runs', {});
      expect(await executor.outcomeOf(launch())).toMatchObject({ status: 'succeeded' });
      expect(creations()).toBe(2);
    },
    limitMs,
  );

  it.each<[string, SiteOptions]>([
    ['whose pods serve one attempt', { site: { handlers: 'job' } }],
    ['that says so', { site: { prewarm: false } }],
    ['without images of actions', { site: { actionImages: undefined } }],
    ['that keeps no idle pods', { executor: { idleMs: 0 } }],
  ])(
    'are none at a site %s',
    async (_which, options) => {
      expect((await open(options)).launcher.prewarm).toBeUndefined();
    },
    limitMs,
  );
});
