import type { V1Pod } from '@kubernetes/client-node';
import { backoffMs, wait } from '@ryax/platform';
import type { PodApi } from './cluster/pod-api';
import { leftBy, ownerLabel, ownerOf } from './ownership';

/** A shutdown does not wait longer for a cluster that is slow, or for thousands of pods. */
const withinMs = 3_000;
const retry = { initialMs: 20, maxMs: 500 };

/**
 * Says on pods that their executor has let go of them, so that nobody has to wait until it counts as dead: on each as soon as it is left,
 * as some take long. Where that fails they wait. Never rejects, unless what it is given does.
 *
 * @param left each resolves when the attempt is left, without a pod where nothing is left
 */
export async function releasePods(
  left: readonly Promise<V1Pod | undefined>[],
  incarnation: string,
  api: Pick<PodApi, 'label' | 'read'>,
): Promise<void> {
  const release = async (leaving: Promise<V1Pod | undefined>) => {
    const pod = await leaving;
    if (pod !== undefined)
      await releasePod(pod, incarnation, api, AbortSignal.timeout(withinMs)).catch(() => undefined);
  };
  await Promise.all(left.map(release));
}

/** A node may have told of the pod since we have heard of it: then it is looked at anew, as somebody may have adopted it, too. */
async function releasePod(
  known: V1Pod,
  incarnation: string,
  api: Pick<PodApi, 'label' | 'read'>,
  signal: AbortSignal,
): Promise<void> {
  const label = { [ownerLabel]: leftBy(incarnation) };
  let pod = known;
  for (let tries = 0; ownerOf(pod) === incarnation; tries++) {
    const labelled = await api.label(pod, label, signal);
    if (labelled.verdict !== 'conflict') return;
    await wait(backoffMs(tries, retry), signal);
    const read = await api.read(known.metadata?.name ?? '', signal);
    if (read.verdict !== 'ok' || read.object.metadata?.uid !== known.metadata?.uid) return;
    pod = read.object;
  }
}
