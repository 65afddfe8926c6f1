import type { Failure, PoolKind } from '@ryax/contracts';
import { demandOf, plainDemand, type Demand, type HandOut, type Lane, type RunMessage } from '@ryax/workflow';
import type { StreamDecision } from './decider';
import { Dispatch, type DispatchParts } from './dispatch';
import { ExecutorRegistry } from './executors';
import { Placement } from './placement';
import { trackedAttempt } from './testing/tracked-attempt';
import { WorkIndex } from './work-index';
import type { WorkItem } from './work-item';
import { alone } from './testing/alone';

const patienceMs = 60_000;
const asking = (constraints: object, objectives: object = {}, resources: object = {}) =>
  demandOf({ constraints, objectives }, resources, null);
const onDefault = asking({ pool: 'default' });
const onGpu = asking({ pool: 'gpu' });

interface Run {
  readonly kind: 'run';
  readonly streamId: string;
  readonly ready: { readonly execution: string; readonly demand: Demand }[];
  readonly aggregate: object;
}

interface Started extends HandOut {
  readonly run: string;
  readonly reasons: readonly string[] | undefined;
}

/** Runs with ready work, and pools of executors that take what is handed out and end nothing by themselves. */
class World {
  isTakingOver = false;
  now = 0;
  /** What another runner wants of a pool. */
  wanted: Record<string, number> = {};
  readonly refused: { readonly execution: string; readonly failure: Failure }[] = [];
  readonly executors = new ExecutorRegistry({ patienceMs: 10_000, maxGapMs: 2_000 }, alone);
  private readonly index = new WorkIndex();
  private readonly runs = new Map<string, Run>();
  private readonly started: Started[] = [];
  readonly placement = new Placement(
    {
      executors: this.executors,
      index: this.index,
      membership: { wantedByOthers: (pool) => this.wanted[pool] ?? 0 },
      clock: { monotonicMs: () => this.now, wallMs: () => 0 },
    },
    { patienceMs },
    () => this.isTakingOver,
  );
  private readonly dispatch = new Dispatch(this.parts(), { isOurs: () => true });

  /** @param site a beat of its executor, with what each pool has free */
  pool(name: string, slots = 4, kind: Partial<PoolKind> | null = {}, site = 'local'): this {
    const amounts = { slots, cpu: 4, memory_bytes: 1_000, gpu: kind?.node?.gpu ?? 0 };
    const { gpu } = amounts;
    const about = { executor: 'host', incarnation: `${site}/${name}`, site };
    const usual = {
      architecture: 'amd64',
      scores: { time: 50, cost: 50, energy: 50 },
      time_limit_ms: null,
      node: { cpu: 4, memory_bytes: 1_000, gpu },
    };
    if (kind !== null) this.executors.heardPools({ ...about, pools: [{ name, ...usual, ...kind }] });
    this.executors.heard({ ...about, pools: [{ name, ...amounts, free: amounts }], sent: 0, schema_max: 1 });
    return this;
  }

  run(streamId: string, ...demands: readonly (readonly [Demand, number])[]): this {
    const ready = demands.flatMap(([demand, count], at) =>
      Array.from({ length: count }, (_, index) => ({ execution: `a${at}.${index}`, demand })),
    );
    const run: Run = { kind: 'run', streamId, ready, aggregate: aggregateOver(ready) };
    this.runs.set(streamId, run);
    return this;
  }

  /** What one cycle hands out; it is out from then on. */
  async cycle(): Promise<readonly Started[]> {
    this.started.length = 0;
    const decisions = [...this.runs.values()].map((stream) => [stream.streamId, { stream }] as const);
    await this.dispatch.handOut(new Map(decisions) as unknown as Map<string, StreamDecision>);
    return [...this.started];
  }

  /** How much one cycle hands out to each pool. */
  async counts(): Promise<Record<string, number>> {
    const counts: Record<string, number> = {};
    for (const { site, pool } of await this.cycle()) {
      counts[`${site}/${pool}`] = (counts[`${site}/${pool}`] ?? 0) + 1;
    }
    return counts;
  }

  get hasRoom(): boolean {
    return this.dispatch.hasRoom;
  }

  end(pool: string, count = 1): void {
    const out = [...this.index.outstanding].filter((each) => each.pool === pool).slice(0, count);
    for (const { streamId, execution, attempt } of out) this.index.untrack(streamId, execution, attempt);
  }

  private parts(): DispatchParts {
    return {
      decider: {
        contextFor: () => ({ now: 0 }),
        decideInternally: ({ stream }: { stream: Run }, work: { message: RunMessage }, cause: WorkItem['cause']) =>
          Promise.resolve(this.decide(stream, work.message, cause)),
      },
      store: { load: (streamId: string) => Promise.resolve(this.runs.get(streamId)) },
      index: this.index,
      placement: this.placement,
      ids: { newId: () => 'id' },
      metrics: { readyToStartSeconds: { observe: () => undefined } },
    } as unknown as DispatchParts;
  }

  private decide({ streamId, ready }: Run, message: RunMessage, { reasons }: WorkItem['cause']): void {
    const take = (execution: string) => {
      const at = ready.findIndex((each) => each.execution === execution);
      return ready.splice(at, 1)[0]?.demand ?? plainDemand;
    };
    if (message.type === 'refuse') {
      for (const execution of message.executions) this.refused.push({ execution, failure: message.failure });
      message.executions.forEach(take);
    }
    if (message.type !== 'hand-out') return;
    for (const handOut of message.executions) {
      this.index.track(trackedAttempt({ ...handOut, streamId, demand: take(handOut.execution) }));
      this.started.push({ run: streamId, reasons, ...handOut });
    }
  }
}

/** As a run's aggregate does it: what is written first goes first. */
function aggregateOver(ready: Run['ready']) {
  return {
    get readyWork() {
      const demands = new Map(ready.map(({ demand }) => [demand.key, demand]));
      return [...demands.values()].map((demand) => ({
        demand,
        count: ready.filter((each) => each.demand.key === demand.key).length,
      }));
    },
    firstReady: <Place>(lane: Lane, limit: number, placeFor: (demand: Demand) => Place | undefined) => {
      const found: { execution: string; readySince: number; place: Place }[] = [];
      for (const { execution, demand } of ready) {
        if (demand.lane.key !== lane.key || found.length >= limit) continue;
        const place = placeFor(demand);
        if (place !== undefined) found.push({ execution, readySince: 0, place });
      }
      return found;
    },
  };
}

describe('Dispatch', () => {
  const two = () => new World().pool('default').pool('gpu').run('r', [onDefault, 100], [onGpu, 100]);

  it('while it takes over, a runner hands out one start at a time in a pool', async () => {
    const world = two();
    world.isTakingOver = true;
    expect(await world.counts()).toEqual({ 'local/default': 1, 'local/gpu': 1 });
    expect(await world.counts()).toEqual({});
    world.end('gpu');
    expect(await world.counts()).toEqual({ 'local/gpu': 1 });
    world.isTakingOver = false;
    expect(await world.counts()).toEqual({ 'local/default': 3, 'local/gpu': 3 });
  });

  it('goes on one at a time beside what was out before it took over more', async () => {
    const world = two();
    await world.cycle();
    world.isTakingOver = true;
    world.end('default', 2);
    expect(await world.counts()).toEqual({ 'local/default': 1 });
    expect(await world.counts()).toEqual({});
  });

  it('hands out no more than a pool has slots, and what ended there in the last 100 ms', async () => {
    const world = two();
    expect(await world.counts()).toEqual({ 'local/default': 4, 'local/gpu': 4 });
    expect(await world.counts()).toEqual({});
    expect(world.hasRoom).toBe(false);
    world.end('default');
    expect(world.hasRoom).toBe(true);
    world.placement.recentEnds.ended('local/default', 1, world.now);
    expect(await world.counts()).toEqual({ 'local/default': 2 });
  });

  it('takes no more of a pool than its part beside what other runners want of it', async () => {
    const world = new World().pool('default', 8).pool('gpu', 8).run('r', [onDefault, 100], [onGpu, 100]);
    world.wanted = { 'local/gpu': 300 };
    expect(world.placement.wanted).toEqual({});
    expect(await world.counts()).toEqual({ 'local/default': 8, 'local/gpu': 2 });
    expect(world.placement.wanted).toEqual({ 'local/default': 100, 'local/gpu': 100 });
  });

  it('wants what fits several pools of each of them', async () => {
    const world = new World()
      .pool('a', 1)
      .pool('b', 1)
      .run('r', [asking({}, { cost: 1 }), 5]);
    await world.cycle();
    expect(world.placement.wanted).toEqual({ 'local/a': 4, 'local/b': 4 });
  });
});

describe('Where work is handed out to', () => {
  it('is where its constraints say, at whichever site', async () => {
    const world = new World()
      .pool('default')
      .pool('default', 4, { architecture: 'arm64' }, 'edge')
      .run('r', [asking({ architecture: 'arm64' }), 2], [asking({ site: 'local' }), 1]);
    expect(await world.counts()).toEqual({ 'edge/default': 2, 'local/default': 1 });
  });

  it('is by the objectives, then the next best where the best has no slot; the reasons are told', async () => {
    const cheap = { scores: { time: 10, cost: 90, energy: 50 } };
    const world = new World()
      .pool('cheap', 2, cheap)
      .pool('fast', 2)
      .run('r', [asking({}, { cost: 2 }), 5]);
    const started = await world.cycle();
    expect(started.map(({ pool }) => pool)).toEqual(['cheap', 'cheap', 'fast', 'fast']);
    expect(started.map(({ reasons }) => reasons)).toEqual([
      ...new Array<unknown>(2).fill(['local/cheap scores 90 (cost 90 × 2)', 'the next, local/fast, scores 50']),
      ...new Array<unknown>(2).fill(['local/fast scores 50 (cost 50 × 2)', 'no slot is free in local/cheap']),
    ]);
  });

  it('goes by what we have handed out since the last beat, of cores too', async () => {
    const cheap = { scores: { time: 10, cost: 90, energy: 50 } };
    const world = new World()
      .pool('cheap', 9, cheap)
      .pool('fast', 9)
      .run('r', [asking({}, { cost: 1 }, { cpu: 2 }), 6]);
    // Two have the cores of each; what then waits for cores in line waits where it does best.
    expect(await world.counts()).toEqual({ 'local/cheap': 4, 'local/fast': 2 });
  });

  it('is told nowhere of plain work, which keeps to a pool named default where a site has one', async () => {
    const world = new World().pool('default', 1).pool('spare', 4).pool('big', 4, {}, 'far').run('r', [plainDemand, 9]);
    const started = await world.cycle();
    expect(started.every(({ reasons }) => reasons === undefined)).toBe(true);
    expect(new Set(started.map(({ pool }) => pool))).toEqual(new Set(['default', 'big']));
    expect(started).toHaveLength(5);
  });

  it('is the pool default, as ever, where nobody says what pools are like', async () => {
    const world = new World()
      .pool('default', 2, null)
      .pool('gpu', 2, null)
      .run('r', [plainDemand, 9], [asking({}, {}, { cpu: 99 }), 1], [onGpu, 1], [asking({ architecture: 'amd64' }), 1]);
    expect(await world.counts()).toEqual({ 'local/default': 2, 'local/gpu': 1 });
  });
});

describe('No demand starves another', () => {
  it('where one has no room, what is ready behind it in the same run goes on', async () => {
    const world = new World().pool('default', 2);
    world.run('r', [asking({}, {}, { cpu: 99 }), 1_000], [plainDemand, 2]).run('other', [plainDemand, 1]);
    expect((await world.cycle()).map(({ run }) => run).sort()).toEqual(['other', 'r']);
  });

  it('those that ask for one pool in several ways share it, slot by slot', async () => {
    const world = new World().pool('default', 2);
    const demands = [plainDemand, onDefault, asking({ site: 'local' })];
    demands.forEach((demand, at) => world.run(`r${at}`, [demand, 1_000]));
    const runs = (await world.cycle()).map(({ run }) => run);
    for (let cycle = 0; cycle < 10; cycle++) {
      world.end('default');
      runs.push(...(await world.cycle()).map(({ run }) => run));
    }
    const counts = demands.map((_, at) => runs.filter((run) => run === `r${at}`).length);
    expect(runs).toHaveLength(12);
    expect(Math.min(...counts)).toBeGreaterThanOrEqual(3);
  });

  it('a hundred runs for a full pool do not stand before one for another', async () => {
    const world = new World().pool('default', 1).pool('gpu', 1);
    for (let at = 0; at < 100; at++) world.run(`r${at}`, [onDefault, 1]);
    await world.cycle();
    world.run('late', [onGpu, 1]);
    expect(await world.cycle()).toMatchObject([{ run: 'late', pool: 'gpu' }]);
  });
});

describe('What can run nowhere', () => {
  it('waits for a pool that has what it asks for by name, and runs when one comes', async () => {
    const world = new World().pool('default').run('r', [asking({ architecture: 'arm64' }), 1]);
    for (; world.now < patienceMs; world.now += 1_000) expect(await world.cycle()).toEqual([]);
    expect(world.refused).toEqual([]);
    world.pool('arm', 1, { architecture: 'arm64' });
    expect(await world.cycle()).toMatchObject([{ pool: 'arm' }]);
  });

  it('fails when it has waited for long enough, and is told what each pool lacks', async () => {
    const world = new World().pool('default').run('r', [asking({ architecture: 'arm64' }), 2], [plainDemand, 1]);
    expect(await world.counts()).toEqual({ 'local/default': 1 });
    world.now += patienceMs;
    await world.cycle();
    const message = 'No pool can run it: local/default is asked for the architecture arm64 where it has amd64';
    expect(world.refused).toMatchObject([
      { execution: 'a0.0', failure: { kind: 'rejected', message } },
      { execution: 'a0.1', failure: { kind: 'rejected', message } },
    ]);
  });

  it('fails at once where it is only too large, unless another pool has come seconds ago', async () => {
    const world = new World().pool('default');
    await world.cycle();
    world.now = 6_000;
    world.pool('other').run('r', [asking({}, {}, { gpu: 1 }), 1]);
    await world.cycle();
    expect(world.refused).toEqual([]);
    world.now += 5_000;
    await world.cycle();
    world.run('late', [asking({}, {}, { gpu: 1 }), 1]);
    await world.cycle();
    const failure = { message: expect.stringContaining('for gpu 1 where it has 0') };
    expect(world.refused).toMatchObject([{ failure }, { failure }]);
  });

  it('waits as long as a pool that could run it is only silent', async () => {
    const world = new World().pool('arm', 4, { architecture: 'arm64' }, 'edge');
    for (let at = 0; at <= 20_000; at += 1_000) world.executors.heardSelf(at);
    world.pool('default').run('r', [asking({ architecture: 'arm64' }), 1]);
    await world.cycle();
    world.now += 2 * patienceMs;
    await world.cycle();
    expect(world.refused).toEqual([]);
  });

  it('waits while nobody lives at all', async () => {
    const world = new World().run('r', [plainDemand, 1]);
    await world.cycle();
    world.now += 2 * patienceMs;
    await world.cycle();
    expect(world.refused).toEqual([]);
  });
});
