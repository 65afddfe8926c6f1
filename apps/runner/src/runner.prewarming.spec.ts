import type { JsonObject } from '@ryax/contracts';
import { useTestBroker, useTestDatabase, waitFor } from '@ryax/testing';
import { Engine } from './testing/engine';
import type { ExecutorDouble, ExecutorKind } from './testing/executor-double';
import { useEngine } from './testing/use-engine';

const warmth: Partial<ExecutorKind> = { keepsWork: true, prewarms: true, describes: {} };
const digits = ['a', 'b', 'c', 'd', 'e', 'f'];
const hashOf = (digit: string) => `sha256:${digit.repeat(64)}`;
const pinned: JsonObject = Object.fromEntries(digits.map((digit) => [`${digit}@1.0`, actionOf(digit)]));

function actionOf(digit: string): JsonObject {
  const declared = { inputs: [], outputs: [], resources: {}, categories: [], warnings: [] };
  const named = { id: digit, version: '1.0', human_name: digit, kind: 'Processor', runtime: 'python3' };
  return { content_hash: hashOf(digit), manifest: { ...named, ...declared } };
}

const action = (digit: string, more: JsonObject = {}) => ({ id: digit, action: `${digit}@1.0`, ...more });
const define = (engine: Engine, actions: readonly JsonObject[]) => engine.define(actions, [], pinned);
/** Which contents it was told to make warm, each as often as it was told. */
const toldTo = ({ prewarms }: ExecutorDouble) =>
  prewarms.flatMap(({ handlers }) => handlers.map(({ content_hash }) => content_hash));
const startedAt = ({ starts }: ExecutorDouble) =>
  starts.flatMap(({ action: { ...what } }) => (what.type === 'handler' ? [what.content_hash] : []));

/** Executors that runners know. */
async function executorsOf(engine: Engine, kinds: readonly Partial<ExecutorKind>[]): Promise<ExecutorDouble[]> {
  const opened = await Promise.all(kinds.map((kind, at) => engine.executor(`e${at}`, 4, undefined, kind)));
  await waitFor(() => opened.every(({ isHeard }) => isHeard));
  return opened;
}

/** What is said of a deployment is said before what is said of a later one. */
async function untilToldOf(digit: string, engine: Engine, executor: ExecutorDouble): Promise<void> {
  await engine.deploy(await define(engine, [action(digit)]));
  await waitFor(() => toldTo(executor).includes(hashOf(digit)), { describe: `advice on ${digit}` });
}

describe('The handlers of a workflow that is deployed', () => {
  const opened = useEngine();

  it('are made warm once each, by the executor that their first run is sent to', async () => {
    const engine = opened();
    await engine.runner();
    const both = await executorsOf(engine, [warmth, warmth]);
    const wanted = digits.slice(0, 5);
    const chain = wanted.map((digit, at) => action(digit, at === 0 ? {} : { after: [wanted[at - 1] ?? ''] }));
    const again = action('a', { for_each: [1, 2, 3] });
    const hash = await define(engine, [...chain, { ...again, id: 'again', after: ['e'] }]);
    await engine.deploy(hash);
    await waitFor(() => both.flatMap(toldTo).length >= wanted.length);
    expect(both.flatMap(toldTo).sort()).toEqual(wanted.map(hashOf));
    for (const { prewarms } of both) for (const { project } of prewarms) expect(project).toBe('default');
    expect(both.flatMap(({ starts }) => starts)).toEqual([]);

    const warm = both.map(toldTo);
    for (const each of both) each.succeeds = true;
    await engine.start('first', hash);
    await waitFor(async () => (await engine.history('first')).includes('RunSucceeded'));
    both.forEach((each, at) => {
      const alone = startedAt(each).filter((content) => content !== hashOf('a'));
      expect(alone.sort()).toEqual(warm[at]?.filter((content) => content !== hashOf('a')).sort());
    });
  });
});

describe('A deployment', () => {
  const opened = useEngine();

  it('is said once: not when it is repeated, nor by a runner that takes over, but when it comes back', async () => {
    const engine = opened();
    const { kill } = await engine.runner();
    const [executor] = await executorsOf(engine, [warmth]);
    if (executor === undefined) throw new Error('no executor');
    const hash = await define(engine, [action('a')]);
    await engine.deploy(hash);
    await waitFor(() => executor.prewarms.length === 1);
    await engine.deploy(hash);
    await untilToldOf('b', engine, executor);
    expect(toldTo(executor)).toEqual(['a', 'b'].map(hashOf));

    const { partitions } = await engine.runner();
    await kill();
    await waitFor(async () => (await partitions()) === 4, { timeoutMs: 20_000, describe: 'a takeover' });
    await untilToldOf('c', engine, executor);
    expect(toldTo(executor)).toEqual(['a', 'b', 'c'].map(hashOf));

    await engine.undeploy();
    await engine.deploy(hash);
    await waitFor(() => executor.prewarms.length === 4);
    expect(toldTo(executor).at(-1)).toBe(hashOf('a'));
  }, 60_000);
});

describe('Executors that keep nothing warm', () => {
  const opened = useEngine();

  it('are told nothing, or nobody notices', async () => {
    const engine = opened();
    await engine.runner();
    const kinds: Partial<ExecutorKind>[] = [
      { ...warmth, pool: 'pods' },
      { pool: 'processes', describes: {}, prewarms: true },
      { ...warmth, pool: 'older', prewarms: false },
    ];
    const all = await executorsOf(engine, kinds);
    const at = (pool: string) => ({ constraints: { pool } });
    const hash = await define(engine, [
      action('a', at('pods')),
      action('b', at('processes')),
      action('c', at('older')),
      { id: 'd', container: { image: 'alpine', command: ['true'] }, ...at('pods') },
    ]);
    await engine.deploy(hash);
    await waitFor(() => all.some(({ prewarms }) => prewarms.length > 0));
    await engine.deploy(await define(engine, [action('e', at('pods'))]));
    await waitFor(() => all.flatMap(toldTo).includes(hashOf('e')));
    expect(all.map(toldTo)).toEqual([['a', 'e'].map(hashOf), [], []]);
    expect(engine.server.takeParked()).toEqual([]);
  });
});

describe('A workflow that is deployed over RabbitMQ', () => {
  const database = useTestDatabase();
  const host = useTestBroker();

  it('has its handlers made warm by one executor, and leaves no dead letter where nobody listens', async () => {
    const engine = await Engine.open(database.url, host.url);
    try {
      await engine.runner();
      const listening = await engine.executor('listens', 4, undefined, { ...warmth, pool: 'pods' });
      const deaf = await engine.executor('deaf', 4, undefined, { ...warmth, pool: 'older', prewarms: false });
      await waitFor(() => listening.isHeard && deaf.isHeard, { timeoutMs: 20_000 });
      const resources = { cpu: 1, memory: '1M', time: '1m' };
      const hash = await define(engine, [
        action('a', { constraints: { pool: 'older' } }),
        action('b', { constraints: { pool: 'pods' }, resources }),
      ]);
      expect(await engine.deploy(hash)).toMatchObject({ status: 'accepted' });
      await waitFor(() => listening.prewarms.length > 0, { describe: 'advice' });
      expect(listening.prewarms).toEqual([
        { project: 'default', handlers: [{ content_hash: hashOf('b'), resources: { cpu: 1, memory_bytes: 2 ** 20 } }] },
      ]);
      expect((await host.queues()).filter(({ name }) => name === 'ryax.dead')).toMatchObject([{ messages: 0 }]);
    } finally {
      await engine.close();
    }
  }, 60_000);
});
