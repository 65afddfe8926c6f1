import { Client } from 'pg';

export interface LoggedEvent {
  readonly runId: string;
  readonly version: number;
  readonly type: string;
  readonly data: { readonly execution?: string; readonly outputs?: Readonly<Record<string, number>> };
  /** When it was decided, in ms since the epoch on the database's clock, which is this machine's. */
  readonly recordedAt: number;
}

/**
 * The event log itself, read by SQL: what the harness believes. It says when all runs have ended without a request for each,
 * and holds the proof of what happened in which order.
 */
export class LogView {
  private constructor(private readonly client: Client) {}

  static async open(url: string): Promise<LogView> {
    // What is sampled at the same time is sent at once: pg gives up the line of its own in which a second query waited.
    const client = new Client({ connectionString: url, pipeline: true });
    await client.connect();
    return new LogView(client);
  }

  /** Runs that have not ended. */
  async openRuns(): Promise<number> {
    const [row] = await this.rows<{ count: string }>(`SELECT count(*) FROM stream_heads WHERE open`, []);
    return Number(row?.count ?? 0);
  }

  async isAnyOpen(): Promise<boolean> {
    const [row] = await this.rows<{ any: boolean }>(`SELECT EXISTS (SELECT FROM stream_heads WHERE open) AS any`, []);
    return row?.any ?? false;
  }

  async hasEnded(runId: string): Promise<boolean> {
    const found = await this.rows(`SELECT FROM stream_heads WHERE stream_id = $1 AND NOT open`, [
      `run:default:${runId}`,
    ]);
    return found.length > 0;
  }

  /** A setting of the server. */
  async setting(name: string): Promise<string | undefined> {
    const [row] = await this.rows<{ value: string }>(`SELECT current_setting($1) AS value`, [name]);
    return row?.value;
  }

  async lastPosition(): Promise<number> {
    const [row] = await this.rows<{ last: string | null }>('SELECT max(position) AS last FROM events', []);
    return Number(row?.last ?? 0);
  }

  /** Events of a type after a position. */
  async countSince(position: number, type: string): Promise<number> {
    const [row] = await this.rows<{ count: string }>('SELECT count(*) FROM events WHERE position > $1 AND type = $2', [
      position,
      type,
    ]);
    return Number(row?.count ?? 0);
  }

  /** All events of these runs, each run's in order. */
  async events(runIds: readonly string[]): Promise<LoggedEvent[]> {
    const rows = await this.rows<{ stream_id: string; version: number; type: string; data: string; at: string }>(
      `SELECT stream_id, version, type, data, recorded_at AS at FROM events
       WHERE stream_id = ANY ($1::text[]) ORDER BY stream_id, version`,
      [runIds.map((runId) => `run:default:${runId}`)],
    );
    return rows.map(({ stream_id, version, type, data, at }) => ({
      runId: stream_id.slice('run:default:'.length),
      version,
      type,
      data: JSON.parse(data) as LoggedEvent['data'],
      recordedAt: Number(at),
    }));
  }

  /** How far a reader of the log has come. */
  async readerPosition(name: string): Promise<number> {
    const [row] = await this.rows<{ position: string }>('SELECT position FROM readers WHERE name = $1', [name]);
    return Number(row?.position ?? 0);
  }

  /** Age in ms of the oldest event that the read models lack; 0 when they lack none. */
  async projectionLagMs(): Promise<number> {
    const [row] = await this.rows<{ lag: string }>(
      `SELECT extract(epoch FROM clock_timestamp()) * 1000 - recorded_at AS lag FROM events
       WHERE position > (SELECT position FROM readers WHERE name = 'projections') ORDER BY position LIMIT 1`,
      [],
    );
    return Math.max(0, Number(row?.lag ?? 0));
  }

  async close(): Promise<void> {
    await this.client.end();
  }

  private async rows<T extends object>(text: string, values: readonly unknown[]): Promise<T[]> {
    return (await this.client.query<T>(text, [...values])).rows;
  }
}
