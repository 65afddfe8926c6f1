import { randomBytes } from 'node:crypto';
import { events, timestamp, type KubernetesObject, type Pod } from './objects';
import type { Store } from './store';

export interface PodEvent {
  readonly type?: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
  readonly component?: string;
  readonly container?: string;
}

/** Writes the events of pods; one that comes again raises the count of the first. */
export class EventRecorder {
  constructor(private readonly store: Store) {}

  record(pod: Pod, { type = 'Normal', reason, message, component = 'kubelet', container }: PodEvent): void {
    const { name, namespace, uid } = pod.metadata;
    const now = timestamp();
    const isSame = (event: KubernetesObject) =>
      event['reason'] === reason &&
      event['message'] === message &&
      (event['involvedObject'] as { uid?: string }).uid === uid;
    const earlier = type === 'Warning' ? this.store.list(events, namespace).find(isSame) : undefined;
    if (earlier) {
      this.store.replace(events, { ...earlier, count: Number(earlier['count']) + 1, lastTimestamp: now });
      return;
    }
    this.store.create(events, {
      metadata: { name: `${name}.${randomBytes(8).toString('hex')}`, ...(namespace !== undefined && { namespace }) },
      involvedObject: {
        kind: 'Pod',
        namespace,
        name,
        uid,
        apiVersion: 'v1',
        ...(container !== undefined && { fieldPath: `spec.containers{${container}}` }),
      },
      reason,
      message,
      source: { component, ...(pod.spec.nodeName !== undefined && { host: pod.spec.nodeName }) },
      firstTimestamp: now,
      lastTimestamp: now,
      count: 1,
      type,
      eventTime: null,
      reportingComponent: component,
      reportingInstance: pod.spec.nodeName ?? '',
    });
  }
}
