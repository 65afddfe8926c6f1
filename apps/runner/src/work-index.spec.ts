import { trackedAttempt } from './testing/tracked-attempt';
import { WorkIndex, type TrackedAttempt } from './work-index';

const lane = { pool: 'default', holdsSlot: true };

function tracked(streamId: string, execution: string, overrides: Partial<TrackedAttempt> = {}): TrackedAttempt {
  return trackedAttempt({ ...lane, streamId, execution, runId: streamId, ...overrides });
}

describe('WorkIndex', () => {
  it('knows how much each executor has to do that asks for slots', () => {
    const index = new WorkIndex();
    const [one, other, free] = [tracked('a', 'x'), tracked('a', 'y'), tracked('a', 'z', { holdsSlot: false })];
    for (const attempt of [one, other, free]) {
      index.track(attempt);
      index.sendTo(attempt, 'e1');
    }
    expect(index.outstandingAt('e1')).toBe(2);

    index.sendTo(other, 'e2');
    expect([index.outstandingAt('e1'), index.outstandingAt('e2')]).toEqual([1, 1]);

    index.untrack('a', 'x', 1);
    index.forget('a');
    expect([index.outstandingAt('e1'), index.outstandingAt('e2')]).toEqual([0, 0]);
  });

  it('does not count what it does not watch', () => {
    const index = new WorkIndex();
    const stranger = tracked('a', 'x');
    index.sendTo(stranger, 'e1');
    expect([stranger.sentTo, index.outstandingAt('e1')]).toEqual(['e1', 0]);
  });

  it('gives runs with ready work their turn, one after the other', () => {
    const index = new WorkIndex();
    for (const run of ['a', 'b', 'c']) index.setReady(run, [{ ...lane, count: 2 }]);
    expect([1, 2, 3, 4].map(() => index.nextRun(lane))).toEqual(['a', 'b', 'c', 'a']);
  });

  it('keeps the turn of a run whose ready work changes', () => {
    const index = new WorkIndex();
    index.setReady('a', [{ ...lane, count: 2 }]);
    index.setReady('b', [{ ...lane, count: 2 }]);
    index.setReady('a', [{ ...lane, count: 1 }]);
    expect(index.nextRun(lane)).toBe('a');
  });

  it('forgets a lane of a run that has nothing ready in it any more', () => {
    const index = new WorkIndex();
    index.setReady('a', [{ ...lane, count: 2 }]);
    index.setReady('a', []);
    expect(index.readyLanes).toEqual([]);
    expect(index.nextRun(lane)).toBeUndefined();
  });

  it('counts what is outstanding in a lane by what is tracked, so that nothing can count up and not down', () => {
    const index = new WorkIndex();
    index.track(tracked('a', 'x'));
    index.track(tracked('a', 'x'));
    index.track(tracked('a', 'y'));
    index.track(tracked('b', 'z', { holdsSlot: false }));
    expect(index.outstandingIn(lane)).toBe(2);
    index.untrack('a', 'x', 1);
    index.untrack('a', 'x', 1);
    expect(index.outstandingIn(lane)).toBe(1);
    index.forget('a');
    expect(index.outstandingIn(lane)).toBe(0);
    expect(index.outstandingIn({ pool: 'default', holdsSlot: false })).toBe(1);
  });

  it('forgets what belongs to a partition that was lost, ready or outstanding', () => {
    const index = new WorkIndex();
    index.setReady('lost', [{ ...lane, count: 1 }]);
    index.track(tracked('lost', 'x'));
    index.track(tracked('kept', 'x'));
    index.forgetWhere((streamId) => streamId === 'lost');
    expect(index.runsReady(lane)).toBe(0);
    expect([...index.outstanding].map(({ streamId }) => streamId)).toEqual(['kept']);
  });

  it('leaves out what rests until it is asked for again', () => {
    const index = new WorkIndex();
    index.setReady('a', [{ ...lane, count: 2 }]);
    index.rest('a');
    index.setReady('a', [{ ...lane, count: 2 }]);
    expect(index.readyLanes).toEqual([]);
    expect(index.takeResting()).toEqual(['a']);
    index.setReady('a', [{ ...lane, count: 2 }]);
    expect(index.nextRun(lane)).toBe('a');
  });

  it('wants slots for what is ready or out, and none for what sleeps', () => {
    const index = new WorkIndex();
    index.setReady('a', [
      { ...lane, count: 2 },
      { pool: 'default', holdsSlot: false, count: 100 },
    ]);
    index.track(tracked('b', 'x', { pool: 'gpu' }));
    expect(index.wanted).toEqual({ default: 2, gpu: 1 });
  });
});
