import type { Beat, Definition, JsonObject, Message, PoolKind, Prewarm } from '@ryax/contracts';
import { IdSource, Log, Owner } from '@ryax/platform';
import { handlersOf } from '@ryax/workflow';
import { ExecutorRegistry } from './executors';
import { Prewarming, type PrewarmingParts } from './prewarming';
import { SufficientMemory } from './sufficient-memory';
import { alone } from './testing/alone';

const hashOf = (number: number) => `sha256:${number.toString(16).padStart(64, '0')}`;
const silent = new Log({ service: 'test', write: () => undefined });
const deployment = { project: 'acme', workflow_id: 'flow', workflow_version: 1, definition_hash: 'd' };

interface PoolFacts extends Partial<PoolKind> {
  readonly slots?: number;
  readonly free?: number;
}

/** Pools, each with an executor of the same name that keeps its work. */
class Deployed {
  readonly executors = new ExecutorRegistry({ patienceMs: 10_000, maxGapMs: 2_000 }, alone);
  readonly memory = new SufficientMemory();
  readonly sent: { readonly to: string; readonly data: Prewarm }[] = [];
  readonly logged: JsonObject[] = [];
  private readonly owner = new Owner(silent);

  constructor(pools: Readonly<Record<string, PoolFacts>>) {
    for (const [name, { slots = 4, free = slots, ...kind }] of Object.entries(pools)) {
      const about = { executor: name, incarnation: name, site: 'site' };
      const amounts = { cpu: 8, memory_bytes: 1e9, gpu: 0 };
      const usual = { architecture: null, scores: { time: 50, cost: 50, energy: 50 }, time_limit_ms: null };
      this.executors.heardTraits({ ...about, keeps_work: true });
      this.executors.heardPools({ ...about, pools: [{ name, ...usual, node: amounts, ...kind }] });
      const pool = { name, slots, ...amounts, free: { slots: free, ...amounts } };
      this.executors.heard({ ...about, pools: [pool], sent: 0, schema_max: 1 } satisfies Beat);
    }
  }

  /** Each action has a handler of its own, named by its place. @param refuses whom nothing can be published to */
  async of(actions: readonly JsonObject[], refuses: (routingKey: string) => boolean = () => false): Promise<void> {
    const prewarming = this.prewarming(actions, refuses);
    prewarming.deployed({ ...deployment, definition_hash: 'gone' });
    prewarming.deployed(deployment);
    await this.advised();
  }

  async advised(): Promise<void> {
    while (this.owner.unfinished.length > 0) await new Promise((resolve) => setImmediate(resolve));
  }

  stop(): Promise<void> {
    return this.owner.stop();
  }

  prewarming(actions: readonly JsonObject[], refuses: (routingKey: string) => boolean = () => false): Prewarming {
    const plans: PrewarmingParts['plans'] = {
      handlers: (hash, most) => {
        if (hash === 'silent') return new Promise(() => undefined);
        return hash === 'd' ? Promise.resolve(handlersIn(actions, most)) : Promise.reject(new Error('none'));
      },
    };
    return new Prewarming(
      {
        plans,
        executors: this.executors,
        memory: this.memory,
        broker: {
          publish: ({ routingKey }, messages) => {
            if (refuses(routingKey)) return Promise.reject(new Error('the broker is away'));
            for (const { data } of messages as readonly Message<Prewarm>[]) this.sent.push({ to: routingKey, data });
            return Promise.resolve();
          },
        },
        ids: new IdSource(),
        log: new Log({ service: 'test', write: (line) => this.logged.push(JSON.parse(line) as JsonObject) }),
        owner: this.owner,
      },
      'runner',
    );
  }
}

function handlersIn(actions: readonly JsonObject[], most: number) {
  const more = { runtime: 'python3', inputs: [], outputs: [], resources: {}, categories: [], warnings: [] } as const;
  const entries = actions.map((entry, at) => ({ id: `a${at}`, action: `h${at}@1`, ...entry }));
  const pinned = actions.map((_, at) => {
    const manifest = { id: `h${at}`, version: '1', human_name: 'x', kind: 'Processor' as const, ...more };
    const copy = { ...manifest, inputs: [], outputs: [], categories: [], warnings: [] };
    return [`h${at}@1`, { content_hash: hashOf(at), manifest: copy }] as const;
  });
  const spec = { id: 'flow', trigger: { kind: 'manual' }, actions: entries };
  const definition = { apiVersion: 'ryax.tech/v2.0', kind: 'Workflow', spec } as unknown as Definition;
  return handlersOf(
    definition,
    (reference) => new Map<string, (typeof pinned)[number][1]>(pinned).get(reference),
    most,
  );
}

describe(Prewarming.name, () => {
  it('asks for what a start would be made from, where a start would go: constraints first, then objectives', async () => {
    const dear = { scores: { time: 90, cost: 10, energy: 50 } };
    const deployed = new Deployed({ default: {}, gpu: { ...dear, node: { cpu: 8, memory_bytes: 500, gpu: 1 } } });
    deployed.memory.observed({ type: 'handler', content_hash: hashOf(1) }, 300);
    deployed.memory.observed({ type: 'handler', content_hash: hashOf(2) }, 700);
    await deployed.of([
      { resources: { cpu: 1, time: '1m' } },
      { constraints: { pool: 'gpu' }, resources: { memory: 100 } },
      { objectives: { time: 1 }, resources: { memory: 100, gpu: 1 } },
      { constraints: { pool: 'none' } },
    ]);
    expect(deployed.sent).toEqual([
      {
        to: 'prewarm.default',
        data: { project: 'acme', handlers: [{ content_hash: hashOf(0), resources: { cpu: 1 } }] },
      },
      {
        to: 'prewarm.gpu',
        data: {
          project: 'acme',
          handlers: [
            { content_hash: hashOf(1), resources: { memory_bytes: 300 } },
            { content_hash: hashOf(2), resources: { memory_bytes: 500, gpu: 1 } },
          ],
        },
      },
    ]);
    expect(deployed.logged.slice(1)).toMatchObject([
      { level: 'info', workflow: 'flow', pool: 'site/default', handlers: 1, reasons: [expect.any(String)] },
      { pool: 'site/gpu', handlers: 2, reasons: ['site/gpu alone fits'] },
    ]);
  });

  it('asks for nothing of a pool without a free slot, and for no more than the bound', async () => {
    const full = new Deployed({ default: { free: 0 } });
    await full.of([{}]);
    expect(full.sent).toEqual([]);

    const deployed = new Deployed({ default: {} });
    await deployed.of(Array.from({ length: 120 }, () => ({})));
    expect(deployed.sent.map(({ data }) => data.handlers.length)).toEqual([100]);
  });

  it('goes on after what it cannot read or send, and says so in a warning', async () => {
    const deployed = new Deployed({ default: {} });
    await deployed.of([{}]);
    expect(deployed.sent).toHaveLength(1);
    expect(deployed.logged[0]).toMatchObject({ level: 'warn', workflow: 'flow', version: 1 });
    const refused = new Deployed({ default: {} });
    await refused.of([{}], () => true);
    expect(refused.logged.map(({ level }) => level)).toEqual(['warn', 'warn']);
  });

  it('tells one executor although it could not tell another', async () => {
    const deployed = new Deployed({ one: {}, two: {} });
    const actions = [{ constraints: { pool: 'one' } }, { constraints: { pool: 'two' } }];
    await deployed.of(actions, (routingKey) => routingKey === 'prewarm.one');
    expect(deployed.sent.map(({ to }) => to)).toEqual(['prewarm.two']);
    expect(deployed.logged.slice(1)).toMatchObject([
      { level: 'warn', executor: 'one', workflow: 'flow' },
      { level: 'info', executor: 'two' },
    ]);
  });

  it('tells no more executors once it is stopped', async () => {
    const deployed = new Deployed({ one: {}, two: {} });
    const actions = [{ constraints: { pool: 'one' } }, { constraints: { pool: 'two' } }];
    let stopped: Promise<void> | undefined;
    const asked: string[] = [];
    await deployed.of(actions, (routingKey) => {
      asked.push(routingKey);
      stopped ??= deployed.stop();
      return true;
    });
    await stopped;
    expect(asked).toEqual(['prewarm.one']);
  });

  it('goes on after a filestore that says nothing, and does not wait for it when it is stopped', async () => {
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'queueMicrotask', 'nextTick'] });
    try {
      const deployed = new Deployed({ default: {} });
      const prewarming = deployed.prewarming([{}]);
      prewarming.deployed({ ...deployment, definition_hash: 'silent' });
      prewarming.deployed(deployment);
      await jest.advanceTimersByTimeAsync(60_000);
      expect(deployed.sent).toHaveLength(1);

      prewarming.deployed({ ...deployment, definition_hash: 'silent' });
      await deployed.stop();
      expect(deployed.logged.map(({ level }) => level)).toEqual(['warn', 'info']);
    } finally {
      jest.useRealTimers();
    }
  });
});
