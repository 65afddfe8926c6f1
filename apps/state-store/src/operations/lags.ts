import type { Connection } from '@ryax/event-log';
import type { ReaderLag } from './state-store-metrics';

/** How far each reader is behind what is committed, and for how long. */
export async function readLags(connection: Connection, readers: readonly string[]): Promise<ReaderLag[]> {
  return connection.query<ReaderLag & Record<string, unknown>>(selectLags, [readers]);
}

const selectLags = {
  name: 'readers.lags',
  text: `
    SELECT k.name AS reader,
      ((SELECT coalesce(max(position), 0) FROM events) - coalesce(r.position, 0))::float8 AS positions,
      coalesce((
        SELECT extract(epoch FROM now()) - e.recorded_at / 1000.0
        FROM events e
        WHERE e.position > coalesce(r.position, 0)
        ORDER BY e.position
        LIMIT 1), 0)::float8 AS seconds
    FROM unnest($1::text[]) AS k (name)
    LEFT JOIN readers r USING (name)`,
};
