import type { V1Pod } from '@kubernetes/client-node';
import type { PodApi } from './cluster/pod-api';
import { ownerLabel } from './ownership';
import { releasePods } from './pod-release';

const pod = (name: string, owner = 'me', uid = 'one'): V1Pod => ({
  metadata: { name, uid, labels: { [ownerLabel]: owner } },
});

/** A cluster that takes labels, as long as it is not told to refuse. */
class Labels implements Pick<PodApi, 'label' | 'read'> {
  readonly given: [string | undefined, string | undefined][] = [];
  refused: string | undefined;
  /** As it now is; whoever knows it otherwise is refused. */
  current: V1Pod | undefined;

  read(): ReturnType<PodApi['read']> {
    const { current } = this;
    return Promise.resolve(current ? { verdict: 'ok', object: current } : { verdict: 'gone', message: 'gone' });
  }

  label(pod: V1Pod, labels: Readonly<Record<string, string>>): ReturnType<PodApi['label']> {
    const { metadata } = pod;
    if (metadata?.name === this.refused) return Promise.reject(new Error('aborted'));
    if (this.current !== undefined && this.current !== pod) {
      return Promise.resolve({ verdict: 'conflict', next: 'reread', message: 'the object has been modified' });
    }
    this.given.push([metadata?.name, labels[ownerLabel]]);
    return Promise.resolve({ verdict: 'ok', object: {} });
  }
}

describe('the release of pods', () => {
  it('is of those that are left and still ours', async () => {
    const labels = new Labels();
    labels.refused = 'a';
    const left = [pod('a'), undefined, pod('b', 'other'), pod('c')].map((each) => Promise.resolve(each));
    await releasePods(left, 'me', labels);
    expect(labels.given).toEqual([['c', 'left.me']]);
  });

  it('does not wait for those that are slow to be left', async () => {
    const labels = new Labels();
    let leave: (slow: V1Pod) => void = () => undefined;
    const slow = new Promise<V1Pod>((resolve) => (leave = resolve));
    const released = releasePods([slow, Promise.resolve(pod('quick'))], 'me', labels);
    await new Promise(setImmediate);
    expect(labels.given).toEqual([['quick', 'left.me']]);
    leave(pod('slow'));
    await released;
    expect(labels.given).toHaveLength(2);
  });

  it.each([
    ['is tried again with a pod that has changed meanwhile', pod('fit'), [['fit', 'left.me']]],
    ['is not of a pod that somebody has adopted meanwhile', pod('fit', 'other'), []],
    ['is not of another pod of its name', pod('fit', 'me', 'another'), []],
  ])('%s', async (_, current, given) => {
    const labels = new Labels();
    labels.current = current;
    await releasePods([Promise.resolve(pod('fit'))], 'me', labels);
    expect(labels.given).toEqual(given);
  });
});
