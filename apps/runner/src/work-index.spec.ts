import { demandOf, plainDemand, slotlessDemand } from '@ryax/workflow';
import { trackedAttempt } from './testing/tracked-attempt';
import { WorkIndex, type TrackedAttempt } from './work-index';

const ready = { demand: plainDemand, count: 1 };

function tracked(streamId: string, execution: string, overrides: Partial<TrackedAttempt> = {}): TrackedAttempt {
  return trackedAttempt({ streamId, execution, runId: streamId, ...overrides });
}

describe('WorkIndex', () => {
  it('knows how much each executor has to do that asks for slots', () => {
    const index = new WorkIndex();
    const [one, other, free] = [tracked('a', 'x'), tracked('a', 'y'), tracked('a', 'z', { demand: slotlessDemand })];
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

  it('counts what is held of a pool by what is tracked, so that nothing can count up and not down', () => {
    const index = new WorkIndex();
    const large = demandOf({}, { cpu: 0.1, memory_bytes: 100, gpu: 1 }, null);
    index.track(tracked('a', 'x', { demand: large }));
    index.track(tracked('a', 'x', { demand: large }));
    index.track(tracked('a', 'y'));
    index.track(tracked('b', 'z', { demand: slotlessDemand }));
    index.track(tracked('b', 'x', { pool: 'gpu' }));
    const held = () => index.heldIn('local/default');
    expect(held()).toEqual({ slots: 2, slotless: 1, cpu: 0.1, memory_bytes: 100, gpu: 1 });
    index.untrack('a', 'x', 1);
    index.untrack('a', 'x', 1);
    expect(held()).toEqual({ slots: 1, slotless: 1, cpu: 0, memory_bytes: 0, gpu: 0 });
    index.forget('a');
    expect([held(), index.heldIn('local/gpu')]).toMatchObject([{ slots: 0, slotless: 1 }, { slots: 1 }]);
  });

  it('forgets what belongs to a partition that was lost, ready or outstanding', () => {
    const index = new WorkIndex();
    index.ready.set('lost', [ready]);
    index.ready.rest('also lost');
    index.track(tracked('lost', 'x'));
    index.track(tracked('kept', 'x'));
    index.forgetWhere((streamId) => streamId.endsWith('lost'));
    expect([index.ready.inTurn, index.ready.isResting('also lost')]).toEqual([[], false]);
    expect([...index.outstanding].map(({ streamId }) => streamId)).toEqual(['kept']);
  });
});
