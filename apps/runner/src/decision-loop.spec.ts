import type { Delivery } from '@ryax/broker';
import { DatabaseUnavailableError } from '@ryax/event-log';
import { Log } from '@ryax/platform';
import { DecisionLoop, type DecisionLoopParts } from './decision-loop';
import type { WorkItem } from './work-item';

const messages = 500;
const runs = Array.from({ length: messages }, (_, index) => `run:default:r${index}`);
const poison = 'run:default:r137';

/** A loop with five hundred cancels in its inbox, each of a run of its own, and a cycle that the spec makes fail. */
class World {
  readonly retried: string[] = [];
  readonly decided: string[] = [];
  /** Streams of each call that threw. */
  readonly failed: string[][] = [];
  private readonly stop = new AbortController();

  /** Resolves when so many are decided. */
  async run(decidable: number, failure: (streams: readonly string[]) => Error | undefined): Promise<void> {
    const parts = {
      inbox: this.inbox(),
      cycle: {
        run: (items: readonly WorkItem[]) => {
          const streams = items.map(({ streamId }) => streamId);
          const error = failure(streams);
          (error === undefined ? this.decided : (this.failed[this.failed.length] = [])).push(...streams);
          if (this.decided.length >= decidable) this.stop.abort();
          return error === undefined ? Promise.resolve(true) : Promise.reject(error);
        },
      },
      dispatch: { hasRoom: false },
      metrics: { inboxDepth: { set: () => undefined } },
      log: new Log({ service: 'test', write: () => undefined }),
      heard: () => undefined,
    };
    await new DecisionLoop(parts as unknown as DecisionLoopParts).run(this.stop.signal);
  }

  private inbox() {
    const waiting = runs.map((streamId) => ({ partition: 0, delivery: this.cancelOf(streamId) }));
    return { depth: 0, onArrival: () => undefined, take: () => waiting.splice(0) };
  }

  private cancelOf(streamId: string): Delivery {
    const data = { run_id: streamId.slice('run:default:'.length), reason: '', force: false };
    const message = { id: streamId, type: 'run.cancel', source: '/test', project: 'default', data };
    return { message, retry: () => this.retried.push(streamId) } as unknown as Delivery;
  }
}

describe('DecisionLoop', () => {
  it('one poison message among five hundred is found by halves and parked alone', async () => {
    const world = new World();
    await world.run(messages - 1, (streams) => (streams.includes(poison) ? new Error('cannot be decided') : undefined));

    // Given back each time it comes, it is parked by the broker after its last try.
    expect(world.retried).toEqual([poison]);
    expect(world.decided).toEqual(runs.filter((streamId) => streamId !== poison));
    expect(world.failed.length).toBeLessThanOrEqual(2 * Math.log2(messages) + 1);
  });

  it('a log out of reach is nobody’s fault: the same five hundred are decided again, and none is given back', async () => {
    const world = new World();
    let outage = 2;
    await world.run(messages, () => (outage-- > 0 ? new DatabaseUnavailableError('no connection') : undefined));

    expect(world.retried).toEqual([]);
    expect(world.failed).toEqual([runs, runs]);
    expect(world.decided).toEqual(runs);
  });
});
