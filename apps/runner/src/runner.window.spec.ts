import { waitFor } from '@ryax/testing';
import { ExecutorLink } from './testing/executor-link';
import { useEngine } from './testing/use-engine';

const work = (id: string, more = {}) => ({ id, container: { image: 'alpine', command: ['true'] }, ...more });
const slots = 4;

const scheduledIn = (types: readonly string[]) => types.filter((type) => type === 'ExecutionScheduled').length;

describe('Ready work that waits in run state', () => {
  const opened = useEngine();

  it('only a window is handed out: a purge loses a window, and one run of another waits behind no 10,000', async () => {
    const engine = opened();
    await engine.runner();
    const link = new ExecutorLink();
    link.holdsStarts = true;
    const executor = await engine.executor('e1', slots, link);
    const scheduled = async (run: string) => scheduledIn(await engine.history(run));
    const items = Array.from({ length: 10_000 }, (_, index) => index);
    const each = work('each', { for_each: { in: items, concurrency: items.length } });
    await engine.start('large', await engine.define([each]));
    await waitFor(async () => (await scheduled('large')) > 0);
    await engine.start('single', await engine.define([work('one')]));
    expect([await scheduled('large'), await scheduled('single')]).toEqual([slots, 0]);

    engine.purgeStarts('e1');
    await link.takeStarts();
    await waitFor(() => executor.starts.length >= slots);
    const lost = executor.starts.slice(0, slots);
    for (const [index, start] of lost.slice(0, 2).entries()) {
      if (executor.startsOf('one').length > 0) break;
      await executor.end(start);
      await waitFor(() => executor.starts.length > slots + index);
    }

    const next = executor.starts.slice(slots, slots + 2);
    expect(new Set(lost.map(({ execution }) => execution)).size).toBe(slots);
    expect(lost.every(({ run_id }) => run_id === 'large')).toBe(true);
    expect(next.map(({ run_id }) => run_id)).toContain('single');
    // Each end makes room for itself, and once more while it is recent.
    expect(executor.starts.length).toBeLessThanOrEqual(slots + 2 * 2);
  });
});

describe('Ready work of a run that is not in memory', () => {
  const opened = useEngine();

  it('ready work is handed out after its run was evicted from the cache', async () => {
    const engine = opened();
    const roomForOne = 1;
    await engine.runner({ cacheBytes: roomForOne });
    const histories = () => Promise.all(runs.map((run) => engine.history(run)));
    const runs = Array.from({ length: 50 }, (_, index) => `evicted-${index}`);
    const hash = await engine.define([work('a')]);
    await Promise.all(runs.map((run) => engine.start(run, hash)));
    expect((await histories()).map(scheduledIn)).toEqual(runs.map(() => 0));

    const executor = await engine.executor('e1', slots);
    executor.succeeds = true;

    await waitFor(async () => (await histories()).every((types) => types.includes('RunSucceeded')));
    expect((await histories()).map(scheduledIn)).toEqual(runs.map(() => 1));
  });
});

describe('Ready work of a definition that has run before', () => {
  const opened = useEngine();

  it('is handed out by the longest time before it, as the run before has shown', async () => {
    const engine = opened();
    await engine.runner();
    const executor = await engine.executor('e1', slots);
    const hash = await engine.define([work('many'), work('then', { after: ['many'] }), work('long')]);
    const startsOf = (run: string) => executor.starts.filter(({ run_id }) => run_id === run);
    const namesOf = (run: string) => startsOf(run).map(({ execution }) => execution);
    const end = async (run: string, execution: string, durationMs = 1) => {
      await waitFor(() => namesOf(run).includes(execution));
      const start = startsOf(run).find((each) => each.execution === execution);
      if (start !== undefined) await executor.end(start, undefined, undefined, durationMs);
    };

    await engine.start('before', hash);
    await end('before', 'long', 60_000);
    await end('before', 'many');
    await end('before', 'then');
    await waitFor(async () => (await engine.history('before')).includes('RunSucceeded'));
    await engine.start('after', hash);
    await waitFor(() => namesOf('after').length === 2);

    expect(namesOf('before')).toEqual(['many', 'long', 'then']);
    expect(namesOf('after')).toEqual(['long', 'many']);
  });
});
