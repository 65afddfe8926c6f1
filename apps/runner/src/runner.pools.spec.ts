import type { JsonObject, Start } from '@ryax/contracts';
import { waitFor } from '@ryax/testing';
import type { Engine } from './testing/engine';
import type { ExecutorDouble, ExecutorKind } from './testing/executor-double';
import { useEngine } from './testing/use-engine';

const work = (id: string, more: JsonObject = {}) => ({
  id,
  container: { image: 'alpine', command: ['true'] },
  ...more,
});
const items = (count: number) => ({ in: Array.from({ length: count }, () => null), concurrency: count });

const executionsOf = ({ starts }: ExecutorDouble) => starts.map(({ execution }) => execution);

async function placesOf(engine: Engine, run: string): Promise<Record<string, string>> {
  const events = await engine.runs.events(run);
  const scheduled = events.flatMap(({ type, data }) =>
    type === 'ExecutionScheduled' ? [JSON.parse(data) as Scheduled] : [],
  );
  return Object.fromEntries(scheduled.map(({ execution, site, pool }) => [execution, `${site}/${pool}`]));
}

interface Scheduled {
  readonly execution: string;
  readonly site: string;
  readonly pool: string;
}

describe('An action that says where it may run', () => {
  const opened = useEngine();

  it('runs there, and the log has the place and the reasons', async () => {
    const engine = opened();
    await engine.runner();
    const arm = await engine.executor('arm', 4, undefined, { site: 'edge', describes: { architecture: 'arm64' } });
    const local = await engine.executor('local', 4, undefined, {
      describes: { scores: { time: 90, cost: 10, energy: 10 } },
    });
    const executors = [arm, local];
    for (const each of executors) each.succeeds = true;
    await waitFor(() => executors.every(({ isHeard }) => isHeard));
    const hash = await engine.define([
      work('on_arm', { constraints: { architecture: 'arm64' } }),
      work('fast', { objectives: { time: 1 }, after: ['on_arm'] }),
      work('at_edge', { constraints: { site: 'edge', pool: 'default' }, after: ['fast'] }),
    ]);

    await engine.start('placed', hash);
    await waitFor(async () => (await engine.history('placed')).includes('RunSucceeded'));

    expect(await placesOf(engine, 'placed')).toEqual({
      on_arm: 'edge/default',
      fast: 'local/default',
      at_edge: 'edge/default',
    });
    expect([executionsOf(arm), executionsOf(local)]).toEqual([['on_arm', 'at_edge'], ['fast']]);
    const causes = (await engine.runs.events('placed'))
      .filter(({ type }) => type === 'ExecutionScheduled')
      .map(({ metadata }) => (JSON.parse(metadata) as { cause: unknown }).cause);
    expect(causes).toMatchObject([
      { type: 'runner.hand-out', reasons: ['edge/default alone fits'] },
      { reasons: ['local/default scores 90 (time 90 × 1)', 'the next, edge/default, scores 50'] },
      { reasons: ['edge/default alone fits'] },
    ]);
  });
});

describe('An action with objectives', () => {
  const opened = useEngine();

  it('goes to the second best pool while the best is full, and back to it', async () => {
    const engine = opened();
    await engine.runner();
    const pools: Partial<ExecutorKind>[] = [
      { pool: 'cheap', describes: { scores: { time: 10, cost: 90, energy: 10 } } },
      { pool: 'dear', describes: { scores: { time: 90, cost: 10, energy: 10 } } },
    ];
    const [cheap, dear] = await Promise.all(pools.map((kind, at) => engine.executor(`e${at}`, 2, undefined, kind)));
    if (cheap === undefined || dear === undefined) throw new Error('no executors');
    await waitFor(() => cheap.isHeard && dear.isHeard);
    await engine.start('many', await engine.define([work('a', { for_each: items(6), objectives: { cost: 1 } })]));
    await waitFor(() => cheap.starts.length + dear.starts.length === 4);
    expect([executionsOf(cheap).sort(), executionsOf(dear).sort()]).toEqual([
      ['a.0', 'a.1'],
      ['a.2', 'a.3'],
    ]);

    await cheap.end(cheap.starts[0] as Start);
    await waitFor(() => cheap.starts.length > 2);
    expect(dear.starts).toHaveLength(2);
  });
});

describe('An action that no pool can run yet', () => {
  const opened = useEngine();

  it('waits while no pool is as it asks, holds up nothing else, and runs when one comes', async () => {
    const engine = opened();
    await engine.runner();
    const local = await engine.executor('local', 1, undefined, { describes: {} });
    local.succeeds = true;
    await engine.start('waits', await engine.define([work('a', { constraints: { pool: 'gpu' } }), work('b')]));
    await engine.start('other', await engine.define([work('c', { for_each: items(20) })]));
    await waitFor(async () => (await engine.history('other')).includes('RunSucceeded'));
    expect(await placesOf(engine, 'waits')).toEqual({ b: 'local/default' });

    const gpu = await engine.executor('gpu', 1, undefined, { pool: 'gpu', describes: {} });
    gpu.succeeds = true;
    await waitFor(async () => (await engine.history('waits')).includes('RunSucceeded'));
    expect(executionsOf(gpu)).toEqual(['a']);
  });
});

describe('An action that no pool can run', () => {
  const opened = useEngine();

  it('fails where none has come for long enough, and says what each pool is', async () => {
    const engine = opened();
    await engine.runner({ placementPatienceMs: 0 });
    await engine.executor('local', 1, undefined, { describes: {} });
    await engine.start('hopeless', await engine.define([work('a', { constraints: { architecture: 'arm64' } })]));
    await waitFor(async () => (await engine.history('hopeless')).includes('RunFailed'));
    const failed = (await engine.runs.events('hopeless')).find(({ type }) => type === 'ExecutionFailed');
    expect(JSON.parse(failed?.data ?? '{}')).toMatchObject({
      attempt: null,
      failure: {
        kind: 'rejected',
        message: 'No pool can run it: local/default is asked for the architecture arm64 where it has amd64',
      },
    });
  });
});

describe('The row of an executor', () => {
  const opened = useEngine();

  it('says what its pools are like, for runners and readers that have not heard it', async () => {
    const engine = opened();
    await engine.runner();
    const arm = await engine.executor('arm', 1, undefined, { pool: 'arm', describes: { architecture: 'arm64' } });
    await waitFor(() => arm.isHeard);
    const members = await engine.eventLog.members.live(60_000);
    const row = members.find(({ incarnation }) => incarnation === 'arm');
    expect(JSON.parse(row?.poolKinds ?? '[]')).toMatchObject([{ name: 'arm', architecture: 'arm64' }]);
  });
});

describe('A runner that took over', () => {
  const opened = useEngine();

  it('counts what is out where it is out, so that no pool gets more than it has slots', async () => {
    const engine = opened();
    const { kill } = await engine.runner();
    const kinds = ['a', 'b'].map((pool) => ({ pool, describes: {} }));
    const executors = await Promise.all(kinds.map((kind, at) => engine.executor(`e${at}`, 2, undefined, kind)));
    await waitFor(() => executors.every(({ isHeard }) => isHeard));
    await engine.start('long', await engine.define([work('x', { for_each: items(10), objectives: { cost: 1 } })]));
    await waitFor(() => executors.every(({ starts }) => starts.length === 2));

    let list: () => void = () => undefined;
    const survivor = await engine.runner({}, { listsAfter: new Promise<void>((resolve) => (list = resolve)) });
    await kill();
    const [first] = executors;
    const [one, another] = first?.starts ?? [];
    if (first === undefined || one === undefined || another === undefined) throw new Error('nothing has started');
    const startedIn = ({ starts }: ExecutorDouble) => new Set(starts.map(({ execution }) => execution)).size;
    await first.end(one);
    await waitFor(() => startedIn(first) > 2, { timeoutMs: 20_000, describe: 'the end to make room' });
    // While open runs are still being found, one at a time.
    expect(executors.map(startedIn)).toEqual([3, 2]);

    list();
    await first.end(another);
    await waitFor(() => startedIn(first) > 3, { describe: 'the second end to make room' });
    const beats = survivor.beats();
    await waitFor(() => survivor.beats() > beats + 1, { describe: 'all that it hands out by itself' });
    // Then as ever: each end makes room for itself, and once more while it is recent; nothing does where nothing has ended.
    expect(startedIn(first)).toBeLessThanOrEqual(2 + 2 * 2);
    expect(executors.map(startedIn).slice(1)).toEqual([2]);
  });
});
