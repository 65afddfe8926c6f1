import { streamId } from '@ryax/contracts';
import { snapshot } from '@ryax/workflow';
import { createTestDatabase, waitFor } from '@ryax/testing';
import { Definitions } from '../reading/definitions';
import { FoldedRuns } from '../reading/folded-runs';
import { createWorld, type World } from '../testing/stores';
import { failed, runStarted, runSucceeded, scheduled, succeeded, workflowDeployed } from '../testing/written-streams';

const project = 'default';

describe('single reads', () => {
  let world: World;
  let definition_hash: string;

  beforeEach(async () => {
    world = await createWorld(await createTestDatabase());
    definition_hash = await storeDefinition('say');
    await world.startReplica();
  });
  afterEach(() => world.end());

  async function storeDefinition(id: string): Promise<string> {
    const actions = [{ id, container: { image: 'alpine', command: ['true'] }, retry: { max_attempts: 3 } }];
    const definition = { apiVersion: 'ryax.tech/v2.0', kind: 'Workflow', spec: { id: 'quakes', actions } };
    return (await world.files.put(JSON.stringify({ definition, actions: {} }))).hash;
  }

  const start = (runId: string) => world.streams.run(runId, runStarted(runId, { definition_hash }));
  const failAttempt = (attempt: number) => failed('say', { attempt, will_retry: true });
  const retry = (attempt: number) =>
    ({
      type: 'ExecutionRetryScheduled',
      data: { execution: 'say', attempt, delay_ms: 0, due_at_ms: 0, budget: 'user' },
    }) as const;

  it('a read right after a write is never older, whichever replica answers', async () => {
    await world.startReplica();
    await start('r1');
    for (let attempt = 1; attempt <= 20; attempt++) {
      await world.streams.run('r1', scheduled('say', attempt), failAttempt(attempt), retry(attempt + 1));
      const { version } = await world.ask('run.get', { project, run_id: 'r1' });
      expect(version).toBe(1 + 3 * attempt);
    }
  });

  it('shows a run as of now, and as of any version', async () => {
    await start('r1');
    await world.streams.run('r1', scheduled('say'), succeeded('say'), runSucceeded({ answer: 42 }));

    const stateAt = async (version?: number) => {
      const { run } = await world.ask('run.get', { project, run_id: 'r1', version });
      return run['state'];
    };
    expect(await stateAt()).toBe('succeeded');
    expect(await stateAt(3)).toBe('running');
    expect(await stateAt(4)).toBe('succeeded');
    await expect(stateAt(5)).rejects.toThrow('not-found: Expected version 5 of run r1, found 4 versions');
    expect(await world.ask('run.results', { project, run_id: 'r1' })).toEqual({
      state: 'succeeded',
      results: { answer: 42 },
    });
  });

  it('finds no run that is none, and none of another project', async () => {
    await start('r1');
    await expect(world.ask('run.get', { project, run_id: 'r2' })).rejects.toThrow('not-found: Expected a run r2');
    await expect(world.ask('run.get', { project: 'other', run_id: 'r1' })).rejects.toThrow('not-found');
    await expect(world.ask('run.history', { project, run_id: 'r2' })).rejects.toThrow('not-found');
    await expect(world.ask('run.results', { project, run_id: 'r2' })).rejects.toThrow('not-found');
  });

  it('tells the history, event by event, with what caused each', async () => {
    await start('r1');
    await world.streams.run('r1', scheduled('say'), succeeded('say'));
    const { events, head_version, open } = await world.ask('run.history', {
      project,
      run_id: 'r1',
      after_version: 1,
      limit: 1,
    });
    expect({ head_version, open }).toEqual({ head_version: 3, open: true });
    expect(events).toMatchObject([
      { version: 2, type: 'ExecutionScheduled', data: { execution: 'say' }, cause: { id: 'm1', type: 'test' } },
    ]);
  });

  it('gives a history of large events in pages that fit into a message', async () => {
    await start('r1');
    const outputs = { text: 'x'.repeat(200_000) };
    for (let index = 0; index < 30; index++) await world.streams.run('r1', succeeded('say', { outputs }));
    const versions: number[] = [];
    for (let after_version = 0; after_version < 31; after_version = versions.at(-1) ?? 0) {
      const { events } = await world.ask('run.history', { project, run_id: 'r1', after_version, limit: 1_000 });
      expect(events.length).toBeLessThan(12);
      versions.push(...events.map(({ version }) => version));
    }
    expect(versions).toEqual(Array.from({ length: 31 }, (_, index) => index + 1));
  });

  it('waits for the next event, for many askers at once, and answers each when its own run moves', async () => {
    await Promise.all(['r1', 'r2', 'r3'].map(start));
    const answered: string[] = [];
    const waits = ['r1', 'r2', 'r3'].flatMap((run_id) =>
      Array.from({ length: 10 }, async () => {
        const { events } = await world.ask('run.history', { project, run_id, after_version: 1, wait_ms: 30_000 });
        answered.push(`${run_id}/${events.map(({ version }) => version).join()}`);
      }),
    );
    await world.streams.run('r2', scheduled('say'));
    await waitFor(() => answered.length === 10);
    expect(new Set(answered)).toEqual(new Set(['r2/2']));
    await world.streams.run('r1', scheduled('say'));
    await world.streams.run('r3', scheduled('say'));
    await Promise.all(waits);
  });

  it('a wait ends by its deadline, and at once where nothing can come any more', async () => {
    await start('r1');
    const open = await world.ask('run.history', { project, run_id: 'r1', after_version: 1, wait_ms: 50 });
    expect(open.events).toEqual([]);
    await world.streams.run('r1', runSucceeded());
    const closed = await world.ask('run.history', { project, run_id: 'r1', after_version: 2, wait_ms: 30_000 });
    expect(closed).toEqual({ events: [], head_version: 2, open: false });
  });

  it('a long run does not hold up the small ones', async () => {
    await start('small');
    await start('long');
    for (let attempt = 1; attempt <= 10_000; attempt += 500) {
      const tries = Array.from({ length: 500 }, (_, index) => attempt + index);
      await world.streams.run(
        'long',
        ...tries.flatMap((each) => [scheduled('say', each), failAttempt(each), retry(each + 1)]),
      );
    }
    let isLongAnswered = false;
    let answeredMeanwhile = 0;
    const long = world.ask('run.get', { project, run_id: 'long' }).finally(() => (isLongAnswered = true));
    while (!isLongAnswered) {
      await world.ask('run.get', { project, run_id: 'small' });
      if (!isLongAnswered) answeredMeanwhile++;
    }
    await long;
    expect(answeredMeanwhile).toBeGreaterThan(0);
  });

  it('goes on from a snapshot, and gives what the whole stream gives', async () => {
    await start('r1');
    const attempts = Array.from({ length: 700 }, (_, index) => index + 1);
    await world.streams.run(
      'r1',
      ...attempts.flatMap((each) => [scheduled('say', each), failAttempt(each), retry(each + 1)]),
    );
    const { log } = world.eventLog;
    const runs = () => new FoldedRuns(log, new Definitions(world.files, 1_000_000), 1_000_000);
    const state = await runs().read(project, 'r1', (folded) => JSON.stringify(snapshot(folded)), 1_500);
    const [head] = await log.readVersions(streamId('run', project, 'r1'), [1_500]);
    if (state === undefined || head === undefined) throw new Error('Expected 1,500 versions');
    const whole = await runs().read(project, 'r1', (folded) => JSON.stringify(snapshot(folded)));

    await log.saveSnapshot({ streamId: head.streamId, version: 1_500, hash: head.hash, schema: 1, state });

    expect(await runs().read(project, 'r1', (folded) => JSON.stringify(snapshot(folded)))).toBe(whole);
    const early = await runs().read(project, 'r1', ({ version }) => version, 1_200);
    expect(early).toBe(1_200);
  });

  it('gives a workflow in any version, with its definition as it was written', async () => {
    const second = await storeDefinition('shout');
    const stream = streamId('workflow', project, 'quakes');
    await world.streams.append(stream, workflowDeployed('quakes', 1, definition_hash));
    await world.streams.append(stream, workflowDeployed('quakes', 2, second));

    const newest = await world.ask('workflow.get', { project, workflow_id: 'quakes' });
    expect(await world.ask('workflow.current', { project, workflow_id: 'quakes' })).toEqual({
      version: newest.version,
      definition_hash: newest.definition_hash,
      deployed: true,
      head: 2,
    });
    expect(newest).toMatchObject({
      version: 2,
      deployed: true,
      versions: [1, 2],
      definition: { spec: { actions: [{ id: 'shout' }] } },
    });
    const first = await world.ask('workflow.get', { project, workflow_id: 'quakes', version: 1 });
    expect(first).toMatchObject({ version: 1, definition_hash, definition: { spec: { actions: [{ id: 'say' }] } } });
    await expect(world.ask('workflow.get', { project, workflow_id: 'quakes', version: 3 })).rejects.toThrow(
      'found 1, 2',
    );
    await expect(world.ask('workflow.get', { project, workflow_id: 'none' })).rejects.toThrow('not-found');

    await world.streams.append(stream, {
      type: 'WorkflowUndeployed',
      data: { workflow_id: 'quakes', undeployed_by: null },
    });
    expect(await world.ask('workflow.get', { project, workflow_id: 'quakes' })).toMatchObject({
      version: 2,
      deployed: false,
    });
  });

  it('resolves published actions, and names what is known when one is not', async () => {
    const manifest = {
      id: 'split',
      version: '1.2',
      human_name: 'Split',
      kind: 'Processor' as const,
      runtime: 'nodejs' as const,
      inputs: [],
      outputs: [],
      resources: {},
      categories: [],
      warnings: [],
    };
    const published = {
      action_id: 'split',
      version: '1.2',
      content_hash: definition_hash,
      manifest,
      published_by: null,
    };
    await world.streams.append(streamId('action', project, 'split@1.2'), { type: 'ActionPublished', data: published });

    const found = await world.ask('action.resolve', { project, references: ['split@1.2', 'split@1.2'] });
    expect(found).toEqual({ actions: { 'split@1.2': { content_hash: definition_hash, manifest } }, known: [] });

    await world.askFresh('action.list', { project });
    const missed = await world.ask('action.resolve', { project, references: ['splt@1.2'] });
    expect(missed).toEqual({ actions: {}, known: ['split@1.2'] });
  });
});
