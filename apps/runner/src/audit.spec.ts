import { IdSource } from '@ryax/platform';
import type { StreamHead } from '@ryax/event-log';
import { Audit } from './audit';
import { WorkIndex } from './work-index';
import type { WorkItem } from './work-item';

const sweepsBetweenTries = 12;
const never = new AbortController().signal;
const nameOf = (index: number) => `run:default:${index}`;

/** A runner of one partition, whose log says that these runs are open, and what it is asked to decide. */
class World {
  readonly index = new WorkIndex();
  readonly turns: string[][] = [];
  open: StreamHead[] = [];
  /** What a decision of that run makes of what is watched. */
  decide: (streamId: string) => void = (streamId) => this.index.forget(streamId);
  private readonly audit = new Audit({
    log: { openHeads: () => Promise.resolve({ heads: this.open, next: undefined }) },
    index: this.index,
    takeover: { partitions: new Set([0]), isRunning: false, isOurs: () => true },
    loop: {
      submit: (items: readonly WorkItem[]) => {
        if (items.length > 0) this.turns.push(items.map(({ streamId }) => streamId));
        for (const { streamId } of items) this.decide(streamId);
        return Promise.resolve();
      },
    },
    ids: new IdSource(),
  });

  watch(count: number): void {
    for (let index = 0; index < count; index++) this.index.sawVersion(nameOf(index), 1);
  }

  async sweep(times = 1): Promise<void> {
    for (let time = 0; time < times; time++) await this.audit.sweep(never);
  }
}

describe('The audit', () => {
  it('looks at what is watched and not open any more, a page at a time, and once', async () => {
    const world = new World();
    world.watch(2_500);
    await world.sweep(3);
    expect(world.turns.map(({ length }) => length)).toEqual([1_000, 1_000, 500]);
  });

  it('leaves alone what is watched as it stands in the log', async () => {
    const world = new World();
    world.watch(1);
    world.open = [{ streamId: nameOf(0), kind: 'run', version: 1 } as StreamHead];
    await world.sweep();
    expect(world.turns).toEqual([]);
  });

  it.each<[string, (world: World) => void]>([
    [
      'open, and cannot be folded',
      (world) => (world.open = [{ streamId: nameOf(0), kind: 'run', version: 2 } as StreamHead]),
    ],
    ['not open any more, and cannot be forgotten', (world) => world.watch(1)],
  ])('tries a run that is %s again only after a while', async (_, arrange) => {
    const world = new World();
    world.decide = () => undefined;
    arrange(world);
    await world.sweep(sweepsBetweenTries);
    expect(world.turns).toHaveLength(1);
    await world.sweep();
    expect(world.turns).toHaveLength(2);
  });
});
