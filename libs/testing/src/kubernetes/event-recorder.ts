import { randomUUID } from 'node:crypto';
import { events, timestamp, type KubernetesObject, type Pod } from './objects';
import type { Store } from './store';

export interface PodEvent {
  readonly type?: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
  readonly component?: string;
  readonly container?: string;
}

/** As long as API servers keep events unless told otherwise. */
const keptSeconds = 3_600;
/** A real server has none: it is for tests that make many pods. */
const maxEvents = 10_000;

interface Kept {
  readonly namespace: string | undefined;
  readonly name: string;
  readonly untilMs: number;
}

/** Writes the events of pods; a warning that comes again raises the count of the first. Old ones are removed. */
export class EventRecorder {
  /** By what makes two of them the same, the one that was written the longest ago first. */
  private readonly kept = new Map<string, Kept>();

  constructor(
    private readonly store: Store,
    private readonly secondMs: number,
  ) {}

  record(pod: Pod, event: PodEvent): void {
    const { namespace, uid } = pod.metadata;
    const { type, reason, message } = event;
    const key = type === 'Warning' ? JSON.stringify([uid, reason, message]) : randomUUID();
    const earlier = this.kept.get(key);
    this.kept.delete(key);
    const object = (earlier && this.repeat(earlier)) ?? this.create(pod, event);
    const untilMs = Date.now() + keptSeconds * this.secondMs;
    this.kept.set(key, { namespace, name: object.metadata.name, untilMs });
    this.removeOld();
  }

  /** Undefined where somebody has deleted it. */
  private repeat({ namespace, name }: Kept): KubernetesObject | undefined {
    const found = this.store.find(events, namespace, name);
    const next = found && { ...found, count: Number(found['count']) + 1, lastTimestamp: timestamp() };
    return next && this.store.replace(events, next);
  }

  private create(pod: Pod, { type = 'Normal', reason, message, component = 'kubelet', container }: PodEvent) {
    const { name, namespace, uid } = pod.metadata;
    const now = timestamp();
    const id = randomUUID().replaceAll('-', '').slice(0, 16);
    return this.store.create(events, {
      metadata: { name: `${name}.${id}`, ...(namespace !== undefined && { namespace }) },
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

  private removeOld(): void {
    for (const [key, { namespace, name, untilMs }] of this.kept) {
      if (untilMs > Date.now() && this.kept.size <= maxEvents) return;
      this.kept.delete(key);
      const object = this.store.find(events, namespace, name);
      if (object) this.store.remove(events, object);
    }
  }
}
