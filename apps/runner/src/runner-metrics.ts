import type { Metrics } from '@ryax/platform';

/** The runner's figures; named in docs/operations.md. */
export class RunnerMetrics {
  private readonly events;
  private readonly eventsOfType = new Map<string, { inc(): void }>();
  readonly appendSeconds;
  readonly appendedEvents;
  readonly conflicts;
  readonly emittedAgain;
  readonly outstanding;
  readonly readyToStartSeconds;
  readonly inboxDepth;
  readonly ready;
  readonly partitions;
  readonly cacheBytes;

  constructor(metrics: Metrics) {
    this.events = metrics.counter({
      name: 'ryax_events_appended_total',
      help: 'Events appended, by type',
      labelNames: ['type'],
    });
    this.appendSeconds = metrics.histogram({
      name: 'ryax_append_seconds',
      help: 'Time of one group commit',
      buckets: [0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5],
    });
    this.appendedEvents = metrics.histogram({
      name: 'ryax_append_batch_events',
      help: 'Events in one group commit',
      buckets: [1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 5000],
    });
    this.conflicts = metrics.counter({
      name: 'ryax_append_conflicts_total',
      help: 'Decisions made again because a stream had moved',
    });
    this.emittedAgain = metrics.counter({
      name: 'ryax_starts_emitted_again_total',
      help: 'Starts that nobody had taken',
    });
    this.outstanding = metrics.gauge({ name: 'ryax_attempts_outstanding', help: 'Attempts handed out and not ended' });
    this.readyToStartSeconds = metrics.histogram({
      name: 'ryax_ready_to_start_seconds',
      help: 'From ready to handed out',
      buckets: [0.001, 0.002, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 30, 300],
    });
    this.inboxDepth = metrics.gauge({
      name: 'ryax_inbox_depth',
      help: 'Messages taken from the inbox and not yet decided',
    });
    this.ready = metrics.gauge({
      name: 'ryax_executions_ready',
      help: 'Executions that wait for room',
      labelNames: ['pool'],
    });
    this.partitions = metrics.gauge({
      name: 'ryax_partitions_owned',
      help: 'Partitions of the inbox that this runner owns',
    });
    this.cacheBytes = metrics.gauge({ name: 'ryax_run_cache_bytes', help: 'Estimated memory of folded runs' });
  }

  /** Looking its labels up costs a counter several times what counting does. */
  appended(type: string): void {
    let counter = this.eventsOfType.get(type);
    if (counter === undefined) this.eventsOfType.set(type, (counter = this.events.labels(type)));
    counter.inc();
  }
}
