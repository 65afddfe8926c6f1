import type { Metrics } from '@ryax/platform';
import type { TallyCount } from '../projections/tallies/tallies-table';

/** What is read from the database when somebody scrapes; costs nothing in between. */
export interface ScrapedFigures {
  readonly tallies: () => Promise<readonly TallyCount[]>;
  readonly lags: () => Promise<readonly ReaderLag[]>;
  readonly waiting: () => { readonly history: number; readonly log: number };
  readonly cacheBytes: () => number;
  readonly isActive: () => boolean;
}

export interface ReaderLag {
  readonly reader: string;
  readonly positions: number;
  /** Age of the oldest event that it has not handled; 0 when there is none. */
  readonly seconds: number;
}

/** The state store's figures; named in docs/operations.md. */
export class StateStoreMetrics {
  private readonly handled;
  private readonly logBytes;
  private readonly querySeconds;

  constructor(
    private readonly metrics: Metrics,
    figures: ScrapedFigures,
  ) {
    this.handled = metrics.counter({
      name: 'ryax_store_events_total',
      help: 'Events that a reader of the log has handled',
      labelNames: ['reader'],
    });
    this.logBytes = metrics.counter({ name: 'ryax_store_log_bytes_total', help: 'Output of attempts that was stored' });
    this.querySeconds = metrics.histogram({
      name: 'ryax_store_query_seconds',
      help: 'From the arrival of a query to its answer, the waits that were asked for included',
      labelNames: ['query', 'status'],
      buckets: [0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30],
    });
    this.tallied('run', 'ryax_runs', 'Runs, by state', figures);
    this.tallied('execution', 'ryax_executions_ended', 'Executions that ended, by how', figures);
    this.lag(figures);
    this.figure('ryax_store_active', 'Whether this replica projects and relays', () => Number(figures.isActive()));
    this.figure('ryax_store_run_cache_bytes', 'Estimated memory of folded runs', figures.cacheBytes);
    this.figure('ryax_store_history_waiters', 'Readers that wait for an event', () => figures.waiting().history);
    this.figure('ryax_store_log_waiters', 'Readers that wait for output', () => figures.waiting().log);
  }

  eventsHandled(reader: string, events: number): void {
    this.handled.inc({ reader }, events);
  }

  logStored(bytes: number): void {
    this.logBytes.inc(bytes);
  }

  queryAnswered(query: string, status: string, seconds: number): void {
    this.querySeconds.observe({ query, status }, seconds);
  }

  private tallied(subject: TallyCount['subject'], name: string, help: string, { tallies }: ScrapedFigures): void {
    this.metrics.gauge({
      name,
      help,
      labelNames: ['state'],
      async collect() {
        const counts = await tallies();
        this.reset();
        for (const { state, count } of counts.filter((each) => each.subject === subject)) this.set({ state }, count);
      },
    });
  }

  private lag({ lags }: ScrapedFigures): void {
    const seconds = this.metrics.gauge({
      name: 'ryax_store_lag_seconds',
      help: 'Age of the oldest event that a reader of the log has not handled',
      labelNames: ['reader'],
    });
    this.metrics.gauge({
      name: 'ryax_store_lag_positions',
      help: 'Positions of the log that a reader has not looked at',
      labelNames: ['reader'],
      async collect() {
        for (const lag of await lags()) {
          this.set({ reader: lag.reader }, lag.positions);
          seconds.set({ reader: lag.reader }, lag.seconds);
        }
      },
    });
  }

  private figure(name: string, help: string, read: () => number): void {
    this.metrics.gauge({
      name,
      help,
      collect() {
        this.set(read());
      },
    });
  }
}
