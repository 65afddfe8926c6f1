import { getEventListeners } from 'node:events';
import type { EventLog, StreamHead, WakeupMove } from '@ryax/event-log';
import type { StreamStore } from './stream-store';
import { Timers } from './timers';

const due: StreamHead = {
  streamId: 'run:default:r',
  project: 'default',
  kind: 'run',
  partition: 0,
  version: 7,
  hash: '',
  open: true,
  wakeupAt: 900,
};

/** One look at what is due at 1,000, when waking it left this in memory. */
async function movesAfter(stream: { version: number; nextWakeup: number | null } | undefined): Promise<WakeupMove[]> {
  const stop = new AbortController();
  const moves: WakeupMove[] = [];
  const log = {
    dueHeads: () => Promise.resolve([due]),
    nextWakeup: () => {
      stop.abort();
      return Promise.resolve(undefined);
    },
    moveWakeups: (moved: readonly WakeupMove[]) => Promise.resolve(void moves.push(...moved)),
  };
  const loaded = stream && { version: stream.version, aggregate: { nextWakeup: stream.nextWakeup } };
  const timers = new Timers(
    log as unknown as EventLog,
    { now: () => 1_000 },
    { peek: () => loaded } as unknown as StreamStore,
    { partitions: () => new Set([0]), submit: () => Promise.resolve(), newId: () => 'id' },
  );
  timers.note(900);
  await timers.run(stop.signal);
  return moves;
}

describe('Timers', () => {
  it('a firing that appends nothing is not due for ever', async () => {
    expect(await movesAfter({ version: 7, nextWakeup: 5_000 })).toMatchObject([{ seenVersion: 7, wakeupAt: 5_000 }]);
  });

  it('stays where it made something ready that was not handed out: another runner may own the run by then', async () => {
    expect(await movesAfter({ version: 7, nextWakeup: null })).toMatchObject([{ seenVersion: 7, wakeupAt: 61_000 }]);
  });

  it('leaves the timer to the append of a run that has moved on', async () => {
    expect(await movesAfter({ version: 8, nextWakeup: 900 })).toEqual([]);
  });

  it('does not fire again at once for a run that could not be woken, or is still due', async () => {
    expect(await movesAfter(undefined)).toMatchObject([{ wakeupAt: 6_000 }]);
    expect(await movesAfter({ version: 7, nextWakeup: 900 })).toMatchObject([{ wakeupAt: 6_000 }]);
  });

  it('leaves nothing on the signal of its service, however often it looks', async () => {
    const stop = new AbortController();
    let looks = 0;
    const log = {
      dueHeads: () => Promise.resolve([]),
      nextWakeup: () => {
        if (++looks === 20) stop.abort();
        return Promise.resolve(1_000);
      },
    };
    const timers = new Timers(
      log as unknown as EventLog,
      { now: () => 1_000 },
      { peek: () => undefined } as unknown as StreamStore,
      { partitions: () => new Set([0]), submit: () => Promise.resolve(), newId: () => 'id' },
    );
    const any = jest.spyOn(AbortSignal, 'any');
    timers.note(900);
    await timers.run(stop.signal);
    expect(getEventListeners(stop.signal, 'abort')).toEqual([]);
    // What it leaves is no listener, and cannot be seen.
    expect(any).not.toHaveBeenCalled();
  });
});
