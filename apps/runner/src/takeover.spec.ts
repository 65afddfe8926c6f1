import type { Broker, Subscription } from '@ryax/broker';
import { Clock, Log } from '@ryax/platform';
import { Inbox } from './inbox';
import type { StreamStore } from './stream-store';
import { Takeover, turnsOf } from './takeover';
import { WorkIndex } from './work-index';

const lane = { pool: 'default', holdsSlot: true, count: 1 };

/** One partition, whose subscription ends, or begins, when the spec says so. */
class World {
  readonly index = new WorkIndex();
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
      inbox: new Inbox({ consume } as unknown as Broker, { partitions: 1, batchMessages: 1 }),
      log: { openHeads: () => Promise.resolve({ heads: [], next: undefined }) } as never,
      store: { partitionOf: () => 0, forgetPartitions: () => undefined } as unknown as StreamStore,
      index: this.index,
      loop: { submit: () => Promise.resolve() },
      clock: new Clock(),
      ids: { newId: () => 'id' },
      logger: new Log({ service: 'test', write: () => undefined }),
    });
  }

  take(): Promise<void> {
    return this.takeover.take(new Set([0]), new AbortController().signal);
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
    world.index.setReady('run', [lane]);
    const losing = world.takeover.keepOnly(new Set());
    expect(world.index.readyLanes).toEqual([]);
    await new Promise(setImmediate);
    const again = world.take();
    world.begin();
    await again;
    world.index.setReady('run', [lane]);
    world.end();
    await losing;
    expect(world.index.readyLanes).toHaveLength(1);
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
