import { getEventListeners } from 'node:events';
import { LinkedSignal } from './linked-signal';

describe('a linked signal', () => {
  it.each([0, 1])('is aborted with any of its sources, for the same reason (%d)', (which) => {
    const sources = [new AbortController(), new AbortController()];
    const linked = new LinkedSignal(...sources.map(({ signal }) => signal));
    expect(linked.signal.aborted).toBe(false);
    sources[which]?.abort(new Error('first'));
    sources[1 - which]?.abort(new Error('second'));
    expect(linked.signal.reason).toMatchObject({ message: 'first' });
  });

  it('is aborted from the beginning where a source is', () => {
    const linked = new LinkedSignal(AbortSignal.abort(new Error('before')), new AbortController().signal);
    expect(linked.signal.reason).toMatchObject({ message: 'before' });
  });

  it('leaves nothing on its sources once it is unlinked', () => {
    const source = new AbortController();
    const linked = new LinkedSignal(source.signal);
    expect(getEventListeners(source.signal, 'abort')).toHaveLength(1);
    linked.unlink();
    expect(getEventListeners(source.signal, 'abort')).toEqual([]);
    source.abort();
    expect(linked.signal.aborted).toBe(false);
  });
});
