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

/** One value of a figure that has a label. */
interface Sample<Label extends string> {
  readonly labels: Readonly<Record<Label, string>>;
  readonly value: number;
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
    this.showTallies(figures);
    this.showLags(figures);
    this.show('ryax_store_active', 'Whether this replica projects and relays', () => Number(figures.isActive()));
    this.show('ryax_store_run_cache_bytes', 'Estimated memory of folded runs', figures.cacheBytes);
    this.show('ryax_store_history_waiters', 'Readers that wait for an event', () => figures.waiting().history);
    this.show('ryax_store_log_waiters', 'Readers that wait for output', () => figures.waiting().log);
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

  private showTallies({ tallies }: ScrapedFigures): void {
    const ofSubject = async (subject: TallyCount['subject']) =>
      (await tallies())
        .filter((tally) => tally.subject === subject)
        .map(({ state, count }) => ({ labels: { state }, value: count }));
    this.showAll('ryax_runs', 'Runs, by state', 'state', () => ofSubject('run'));
    this.showAll('ryax_executions_ended', 'Executions that ended, by how', 'state', () => ofSubject('execution'));
  }

  private showLags({ lags }: ScrapedFigures): void {
    const samples = async (valueOf: (lag: ReaderLag) => number) =>
      (await lags()).map((lag) => ({ labels: { reader: lag.reader }, value: valueOf(lag) }));
    this.showAll('ryax_store_lag_positions', 'Positions of the log that a reader has not looked at', 'reader', () =>
      samples(({ positions }) => positions),
    );
    this.showAll('ryax_store_lag_seconds', 'Age of the oldest event that a reader has not handled', 'reader', () =>
      samples(({ seconds }) => seconds),
    );
  }

  private show(name: string, help: string, read: () => number): void {
    this.metrics.gauge({
      name,
      help,
      collect() {
        this.set(read());
      },
    });
  }

  private showAll<Label extends string>(
    name: string,
    help: string,
    label: Label,
    read: () => Promise<readonly Sample<Label>[]>,
  ): void {
    this.metrics.gauge<Label>({
      name,
      help,
      labelNames: [label],
      async collect() {
        this.reset();
        try {
          for (const { labels, value } of await read()) this.set(labels, value);
        } catch {
          // The database is away, as readiness says: the process's other figures are still wanted.
        }
      },
    });
  }
}
