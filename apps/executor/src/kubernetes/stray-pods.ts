import type { V1Pod } from '@kubernetes/client-node';

/** So long a pod may be ours and no attempt's: what we know of it comes from several places, one later than the other. */
const strayMs = 15_000;

/**
 * Finds pods that are labelled as ours and belong to no attempt of ours: somewhere on the way their creation was held up, and was
 * done when nobody waited for it any more. One that an attempt has had is none: it is kept until its outcome is in the log.
 */
export class StrayPods {
  private accounted = new Set<string>();
  private straySinceMs = new Map<string, number>();

  /** An attempt has this pod, or has had it. */
  account(uid: string): void {
    this.accounted.add(uid);
  }

  /**
   * To be called from time to time.
   * @param pods all that there are
   * @param isUnheld whether a pod is labelled as ours, and no attempt that we hold is of its name
   * @returns those that have been stray for too long
   */
  among(pods: Iterable<V1Pod>, isUnheld: (pod: V1Pod) => boolean, nowMs: number): readonly V1Pod[] {
    const accounted = new Set<string>();
    const straySinceMs = new Map<string, number>();
    const found: V1Pod[] = [];
    for (const pod of pods) {
      const uid = pod.metadata?.uid ?? '';
      if (this.accounted.has(uid)) accounted.add(uid);
      else if (isUnheld(pod)) {
        const sinceMs = this.straySinceMs.get(uid) ?? nowMs;
        straySinceMs.set(uid, sinceMs);
        if (nowMs - sinceMs >= strayMs) found.push(pod);
      }
    }
    // What was said of pods that are gone is forgotten with them.
    this.accounted = accounted;
    this.straySinceMs = straySinceMs;
    return found;
  }
}
