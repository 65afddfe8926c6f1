import type { V1Pod } from '@kubernetes/client-node';
import type { PodApi } from './cluster/pod-api';
import { leftBy, ownerLabel, ownerOf } from './ownership';

/** A shutdown does not wait longer for a cluster that is slow, or for thousands of pods. */
const withinMs = 3_000;

/**
 * Says on pods that their executor has let go of them, so that nobody has to wait until it counts as dead: on each as soon as it is left,
 * as some take long. Where that fails they wait. Never rejects, unless what it is given does.
 *
 * @param left each resolves when the attempt is left, without a pod where nothing is left
 */
export async function releasePods(
  left: readonly Promise<V1Pod | undefined>[],
  incarnation: string,
  api: Pick<PodApi, 'label'>,
): Promise<void> {
  const label = { [ownerLabel]: leftBy(incarnation) };
  const release = async (leaving: Promise<V1Pod | undefined>) => {
    const pod = await leaving;
    if (pod === undefined || ownerOf(pod) !== incarnation) return;
    await api.label(pod, label, AbortSignal.timeout(withinMs)).catch(() => undefined);
  };
  await Promise.all(left.map(release));
}
