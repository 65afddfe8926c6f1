import type { HandOut, Lane } from '@ryax/workflow';
import type { StreamDecision } from './decider';
import { Dispatch, type DispatchParts } from './dispatch';
import { ExecutorRegistry } from './executors';
import { trackedAttempt } from './testing/tracked-attempt';
import { WorkIndex } from './work-index';

const slots = 4;
const amounts = { slots, cpu: 4, memory_bytes: 1_000, gpu: 0 };
const ready = { default: 100, gpu: 100 };
const laneOf = (pool: string): Lane => ({ pool, holdsSlot: true });

/** One run with plenty of ready work in two pools of four slots each. */
class World {
  isTakingOver = true;
  private readonly index = new WorkIndex();
  private readonly handedOut: string[] = [];
  private readonly stream = {
    kind: 'run',
    streamId: 'run:default:r',
    aggregate: {
      readyLanes: Object.entries(ready).map(([pool, count]) => ({ ...laneOf(pool), count })),
      firstReady: ({ pool }: Lane, limit: number) =>
        Array.from({ length: limit }, (_, index) => ({ execution: `${pool}.${this.started}.${index}`, readySince: 0 })),
    },
  };
  private readonly dispatch = new Dispatch(this.parts(), {
    isOurs: () => true,
    isTakingOver: () => this.isTakingOver,
  });
  private started = 0;

  /** The pools of what one cycle hands out; its starts are out from then on. */
  async handOut(): Promise<string[]> {
    this.handedOut.length = 0;
    await this.dispatch.handOut(
      new Map([[this.stream.streamId, { stream: this.stream } as unknown as StreamDecision]]),
    );
    return [...this.handedOut].sort();
  }

  end(pool: string): void {
    const [attempt] = this.index.attemptsOf(this.stream.streamId).filter((each) => each.pool === pool);
    if (attempt !== undefined) this.index.untrack(attempt.streamId, attempt.execution, attempt.attempt);
  }

  private parts(): DispatchParts {
    const executors = new ExecutorRegistry({ patienceMs: 10_000, maxGapMs: 2_000 });
    const pools = Object.keys(ready).map((name) => ({ name, ...amounts, free: amounts }));
    executors.heard({ executor: 'host', incarnation: 'e1', site: 'local', pools, sent: 0, schema_max: 1 });
    return {
      decider: {
        contextFor: () => ({ now: 0 }),
        decideInternally: (_: StreamDecision, { message }: { message: { executions: HandOut[] } }) =>
          Promise.resolve(message.executions.forEach((each) => this.start(each))),
      },
      store: {},
      index: this.index,
      executors,
      membership: { wantedByOthers: () => 0 },
      clock: { monotonicMs: () => 0 },
      ids: { newId: () => 'id' },
      metrics: { readyToStartSeconds: { observe: () => undefined } },
    } as unknown as DispatchParts;
  }

  private start({ execution, site, pool }: HandOut): void {
    this.started++;
    this.handedOut.push(pool);
    this.index.track(trackedAttempt({ execution, site, ...laneOf(pool) }));
  }
}

describe('Dispatch', () => {
  it('while it takes over, a runner hands out one start at a time in a pool', async () => {
    const world = new World();
    expect(await world.handOut()).toEqual(['default', 'gpu']);
    expect(await world.handOut()).toEqual([]);
    world.end('gpu');
    expect(await world.handOut()).toEqual(['gpu']);
    world.isTakingOver = false;
    expect(await world.handOut()).toEqual(['default', 'default', 'default', 'gpu', 'gpu', 'gpu']);
  });

  it('goes on one at a time beside what was out before it took over more', async () => {
    const world = new World();
    world.isTakingOver = false;
    await world.handOut();
    world.isTakingOver = true;
    world.end('default');
    world.end('default');
    expect(await world.handOut()).toEqual(['default']);
    expect(await world.handOut()).toEqual([]);
  });

  it('hands out no more than a pool has slots', async () => {
    const world = new World();
    world.isTakingOver = false;
    await world.handOut();
    expect(await world.handOut()).toEqual([]);
    world.end('default');
    expect(await world.handOut()).toEqual(['default']);
  });
});
