import type { Metrics } from '@ryax/platform';
import type { PodState } from './warm-book';

/** Whether an idle pod was there when the attempt came. */
export type Start = 'warm' | 'cold';

/** What became of a handler that was to be made warm ahead: `no-room` beside what is there and what waits, or its pod. */
export type Prewarmed = 'ready' | 'failed' | 'no-room';

const states: readonly PodState[] = ['unknown', 'starting', 'busy', 'reporting', 'idle'];

/** The figures of warm pods. */
export class WarmMetrics {
  private readonly delay;
  private readonly prewarms;

  constructor(metrics: Metrics, count: (state: PodState) => number) {
    this.delay = metrics.histogram({
      name: 'ryax_executor_admitted_to_invoked_seconds',
      help: 'From the admission of an attempt to its being taken by the server in a warm pod, by whether one was idle',
      labelNames: ['start'],
      buckets: [0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5, 10, 60, 600],
    });
    this.prewarms = metrics.counter({
      name: 'ryax_executor_prewarmed_total',
      help: 'Handlers of deployed workflows that were to have a pod before their first execution, by what became of it',
      labelNames: ['outcome'],
    });
    metrics.gauge({
      name: 'ryax_executor_warm_pods',
      help: 'Warm pods of this executor, by what they do',
      labelNames: ['state'],
      collect() {
        for (const state of states) this.set({ state }, count(state));
      },
    });
  }

  prewarmed(outcome: Prewarmed): void {
    this.prewarms.inc({ outcome });
  }

  invoked(start: Start, delayMs: number): void {
    this.delay.observe({ start }, delayMs / 1000);
  }
}
