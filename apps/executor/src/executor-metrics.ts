import type { Outcome } from '@ryax/contracts';
import type { Metrics } from '@ryax/platform';

/** What became of a start that was read. */
export type StartResult =
  'spawned' | 'returned' | 'rejected' | 'repeated' | 'redelivered' | 'outdated' | 'settled-before' | 'cancelled-before';

/** What the gauges read when they are asked. */
export interface Gauged {
  readonly running: number;
  readonly waiting: number;
  readonly freeSlots: number;
  readonly unsettled: number;
  readonly unsent: number;
  readonly leaseAgeMs: number;
}

const gauges = [
  ['running', 'ryax_executor_running', 'Attempts that run or sleep here'],
  ['waiting', 'ryax_executor_waiting', 'Starts that were taken and wait for room in the pool'],
  ['freeSlots', 'ryax_executor_slots_free', 'Executions that the pool could start now, by slots alone'],
  ['unsettled', 'ryax_executor_unsettled', 'Outcomes that the runner has not settled yet'],
  ['unsent', 'ryax_executor_unsent_messages', 'Reports and log chunks that the broker has not confirmed'],
] as const satisfies readonly (readonly [keyof Gauged, string, string])[];

/** The executor's figures. */
export class ExecutorMetrics {
  private readonly starts;
  private readonly outcomes;
  private readonly spawnDelay;

  constructor(
    private readonly metrics: Metrics,
    read: () => Gauged,
  ) {
    this.starts = metrics.counter({
      name: 'ryax_executor_starts_total',
      help: 'Starts read, by what became of them',
      labelNames: ['result'],
    });
    this.outcomes = metrics.counter({
      name: 'ryax_executor_outcomes_total',
      help: 'Attempts that ended, by outcome: succeeded, cancelled, or the kind of failure',
      labelNames: ['outcome'],
    });
    this.spawnDelay = metrics.histogram({
      name: 'ryax_executor_taken_to_spawned_seconds',
      help: 'From reading a start to spawning it: the wait for room in the pool',
      buckets: [0.001, 0.01, 0.1, 0.5, 1, 5, 10, 60, 600],
    });
    this.registerGauges(read);
  }

  startRead(result: StartResult): void {
    this.starts.inc({ result });
  }

  /** One that had to find room in the pool was spawned. */
  foundRoom(delayMs: number): void {
    this.spawnDelay.observe(delayMs / 1000);
  }

  ended(outcome: Outcome): void {
    this.outcomes.inc({ outcome: outcome.status === 'failed' ? outcome.failure.kind : outcome.status });
  }

  private registerGauges(read: () => Gauged): void {
    for (const [key, name, help] of gauges) {
      this.metrics.gauge({
        name,
        help,
        collect() {
          this.set(read()[key]);
        },
      });
    }
    this.metrics.gauge({
      name: 'ryax_executor_lease_age_seconds',
      help: 'Since the newest of our beats that a runner answered was sent',
      collect() {
        const { leaseAgeMs } = read();
        this.set(Number.isFinite(leaseAgeMs) ? leaseAgeMs / 1000 : -1);
      },
    });
  }
}
