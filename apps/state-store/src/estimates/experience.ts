import type { Connection } from '@ryax/event-log';
import type { ObservedDuration, PlanEntry } from '@ryax/workflow';
import { liveSchema } from '../projections/schema';

/** What earlier runs have shown of the entries of one definition. */
export interface Experience {
  readonly observed: (entry: PlanEntry) => ObservedDuration | undefined;
  readonly earlierCount: (entry: PlanEntry) => number | undefined;
}

/** What was seen of each entry in runs of this definition; of those never run in it, what other definitions show. */
export async function readExperience(
  connection: Connection,
  project: string,
  definitionHash: string,
): Promise<Experience> {
  const rows = await connection.query<ExperienceRow>(selectExperience, [project, definitionHash]);
  const durations = new Map<string, ObservedDuration>();
  const counts = new Map<string, number>();
  for (const { entry, subject, mean, variance } of rows) {
    if (subject === 'duration') durations.set(entry, { meanMs: mean, deviationMs: Math.sqrt(variance) });
    else counts.set(entry, Math.round(mean));
  }
  return { observed: ({ id }) => durations.get(id), earlierCount: ({ id }) => counts.get(id) };
}

interface ExperienceRow {
  readonly entry: string;
  readonly subject: 'duration' | 'count';
  readonly mean: number;
  readonly variance: number;
}

/** The 20 definitions that ran an action last tell of it, each by as many executions as it has seen, 50 at most. */
const selectExperience = {
  name: 'estimates.experience',
  text: `
    WITH own AS (
      SELECT entry, subject, mean, variance
      FROM ${liveSchema}.observations
      WHERE project = $1 AND definition_hash = $2
    )
    SELECT * FROM own
    UNION ALL
    SELECT e.entry, s.subject, other.mean, other.variance
    FROM definition_entries e
    CROSS JOIN (VALUES ('duration'), ('count')) AS s (subject)
    CROSS JOIN LATERAL (
      SELECT sum(mean * weight) / sum(weight) AS mean, sum(variance * weight) / sum(weight) AS variance
      FROM (
        SELECT o.mean, o.variance, least(o.seen, 50) AS weight
        FROM definition_entries d
        JOIN ${liveSchema}.observations o
          ON (o.project, o.definition_hash, o.entry, o.subject) = ($1, d.definition_hash, d.entry, s.subject)
        WHERE d.action_key = e.action_key
        ORDER BY o.position DESC
        LIMIT 20
      ) AS newest
    ) AS other
    WHERE e.definition_hash = $2 AND e.action_key <> '' AND other.mean IS NOT NULL
      AND NOT EXISTS (SELECT FROM own WHERE (own.entry, own.subject) = (e.entry, s.subject))`,
};
