import type { Database } from '@ryax/event-log';
import type { Log } from '@ryax/platform';
import type { Plan } from '@ryax/workflow';
import { columnsOf } from '../projections/columns';
import { liveSchema } from '../projections/schema';
import type { Definitions } from '../reading/definitions';
import { actionKey } from './action-key';

export interface RememberedParts {
  readonly database: Database;
  readonly definitions: Pick<Definitions, 'plan'>;
  readonly logger: Log;
}

/** Looked up for one estimate: a bounded cost, and the next one finds more. */
const definitionsAtOnce = 5;
const mostKnown = 10_000;

/** Remembers which actions a definition runs, so that what is seen of them in its runs serves other definitions, too. */
export class RememberedEntries {
  /** Definitions that this process knows to be remembered. */
  private readonly known = new Set<string>();

  constructor(private readonly parts: RememberedParts) {}

  async remember(definitionHash: string, plan: Plan): Promise<void> {
    if (this.known.has(definitionHash)) return;
    const rows = plan.entries.flatMap((entry) => {
      const key = actionKey(entry);
      return key === undefined ? [] : [{ entry: entry.id, key }];
    });
    // So that a definition of built-ins alone counts as remembered.
    const all = [...rows, { entry: '', key: '' }];
    await this.parts.database.query(
      insertEntries,
      columnsOf(all, ({ entry, key }) => [definitionHash, entry, key]),
    );
    if (this.known.size >= mostKnown) this.known.clear();
    this.known.add(definitionHash);
  }

  /**
   * Remembers some definitions that were run without ever being estimated, and answers how many. One that cannot be read
   * takes nothing from the others.
   */
  async rememberEarlier(project: string): Promise<number> {
    const { database, definitions, logger } = this.parts;
    const forgotten = await database.query<{ definition_hash: string }>(selectForgotten, [project, definitionsAtOnce]);
    for (const { definition_hash: hash } of forgotten) {
      try {
        await this.remember(hash, await definitions.plan(hash));
      } catch (error) {
        logger.debug('Could not read a definition for an estimate', { definition_hash: hash, error });
      }
    }
    return forgotten.length;
  }
}

const insertEntries = {
  name: 'estimates.remember',
  text: `
    INSERT INTO definition_entries (definition_hash, entry, action_key)
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[])
    ON CONFLICT (definition_hash, entry) DO NOTHING`,
};

const selectForgotten = {
  name: 'estimates.forgotten',
  text: `
    SELECT DISTINCT o.definition_hash
    FROM ${liveSchema}.observations o
    WHERE o.project = $1
      AND NOT EXISTS (SELECT FROM definition_entries d WHERE d.definition_hash = o.definition_hash)
    LIMIT $2`,
};
