import type { Broker, Subscription } from '@ryax/broker';
import { partitionOf } from '@ryax/contracts';
import { Clock, IdSource, Log } from '@ryax/platform';
import { plainDemand } from '@ryax/workflow';
import { Inbox } from './inbox';
import { StreamStore, type AnyStream } from './stream-store';
import { Takeover, turnsOf } from './takeover';
import { WorkIndex } from './work-index';

const ready = { demand: plainDemand, count: 1 };

const partitions = 2;

/** Partition 0, whose subscription ends, or begins, when the spec says so. */
class World {
  readonly index = new WorkIndex();
  readonly store = new StreamStore(
    {} as never,
    {} as never,
    {} as never,
    { partitions, cacheBytes: 1_000 },
    () => undefined,
  );
  subscribed = 0;
  begin: () => void = () => undefined;
  end: () => void = () => undefined;
  readonly takeover: Takeover;

  constructor() {
    const subscription: Subscription = {
      stop: () =>
        new Promise<void>((resolve) => {
          this.end = () => {
            this.subscribed--;
            resolve();
          };
        }),
    };
    const consume = () =>
      new Promise<Subscription>((resolve) => {
        this.begin = () => {
          this.subscribed++;
          resolve(subscription);
        };
      });
    this.takeover = new Takeover({
      inbox: new Inbox({ consume } as unknown as Broker, { partitions, batchMessages: 1 }),
      log: { openHeads: () => Promise.resolve({ heads: [], next: undefined }) } as never,
      store: this.store,
      index: this.index,
      loop: { submit: () => Promise.resolve() },
      clock: new Clock(),
      ids: new IdSource(),
      logger: new Log({ service: 'test', write: () => undefined }),
    });
  }

  /** A run of this partition is in the cache. */
  cached(partition: number): string {
    const streamId = runOf(partition);
    this.store.keep({ streamId, aggregate: { bytes: 1 } } as AnyStream);
    return streamId;
  }

  take(): Promise<void> {
    return this.takeover.take(new Set([0]), new AbortController().signal);
  }
}

function runOf(partition: number): string {
  for (let number = 0; ; number++) {
    const streamId = `run:default:r${number}`;
    if (partitionOf(streamId, partitions) === partition) return streamId;
  }
}

describe('Takeover', () => {
  it('leaves no consumer behind on a partition that it lost while it subscribed', async () => {
    const world = new World();
    const taking = world.take();
    const losing = world.takeover.keepOnly(new Set());
    world.begin();
    await taking;
    await new Promise(setImmediate);
    world.end();
    await losing;
    expect(world.subscribed).toBe(0);
  });

  it('forgets what it lost at once, and not what it was given back meanwhile', async () => {
    const world = new World();
    const taking = world.take();
    world.begin();
    await taking;
    world.index.ready.set(runOf(0), [ready]);
    const losing = world.takeover.keepOnly(new Set());
    expect(world.index.ready.inTurn).toEqual([]);
    await new Promise(setImmediate);
    const again = world.take();
    world.begin();
    await again;
    world.index.ready.set(runOf(0), [ready]);
    world.end();
    await losing;
    expect(world.index.ready.inTurn).toHaveLength(1);
  });

  it('a partition that was lost leaves nothing in the cache', async () => {
    const world = new World();
    const taking = world.take();
    world.begin();
    await taking;
    const [lost, other] = [world.cached(0), world.cached(1)];
    const losing = world.takeover.keepOnly(new Set());
    expect(world.store.peek(lost)).toBeUndefined();
    expect(world.store.peek(other)).toBeDefined();
    await new Promise(setImmediate);
    world.end();
    await losing;
  });

  it('nor does what was decided for a partition while it was not ours', async () => {
    const world = new World();
    const stale = world.cached(0);
    const taking = world.take();
    expect(world.store.peek(stale)).toBeUndefined();
    world.begin();
    await taking;
  });
});

describe('Open runs that are taken over', () => {
  const versions = (turns: { version: number }[][]) => turns.map((turn) => turn.map(({ version }) => version));
  const heads = (...of: number[]) => of.map((version) => ({ version }));

  it('are folded in turns of no more events than messages can wait for, a longer run in one of its own', () => {
    expect(versions(turnsOf(heads(5, 5, 19_990, 1, 300_000, 2, 3)))).toEqual([[5, 5, 19_990], [1], [300_000], [2, 3]]);
  });

  it('are one turn when they are short, and none when there are none', () => {
    expect(turnsOf(heads(...Array<number>(1_000).fill(3)))).toHaveLength(1);
    expect(turnsOf([])).toEqual([]);
  });
});
