import { setMaxListeners } from 'node:events';
import type { V1Pod } from '@kubernetes/client-node';
import type { PodApi } from './cluster/pod-api';
import { leftBy, ownerLabel, ownerOf } from './ownership';

/** A shutdown does not wait longer for a cluster that is slow, or for thousands of pods. */
const withinMs = 3_000;

/**
 * Says on pods that their executor has let go of them, so that nobody has to wait until it counts as dead. Where that fails they wait.
 * Never rejects.
 */
export async function releasePods(pods: readonly V1Pod[], incarnation: string, api: PodApi): Promise<void> {
  const limit = AbortSignal.timeout(withinMs);
  // Each request waits for it.
  setMaxListeners(0, limit);
  const ours = pods.filter((pod) => ownerOf(pod) === incarnation);
  const label = { [ownerLabel]: leftBy(incarnation) };
  await Promise.all(ours.map((pod) => api.label(pod, label, limit).catch(() => undefined)));
}
