import { actionManifestSchema } from '@ryax/contracts';
import type { Connection } from '@ryax/event-log';
import { liveSchema } from '../schema';
import type { ActionRow } from './action-row';
import type { ActionEntity } from './action.entity';

export interface ActionKey {
  readonly actionId: string;
  readonly version: string;
}

/** Published actions of a project, by id and version. */
export async function listActions(
  connection: Connection,
  project: string,
  after: ActionKey,
  limit: number,
): Promise<ActionRow[]> {
  const values = [project, after.actionId, after.version, limit];
  return (await connection.query<ActionEntity>(selectActions, values)).map(readAction);
}

/** Names of published actions of a project, to find what a misspelt reference may have meant. */
export async function listReferences(connection: Connection, project: string, limit: number): Promise<string[]> {
  const rows = await connection.query<{ reference: string }>(selectReferences, [project, limit]);
  return rows.map(({ reference }) => reference);
}

const selectActions = {
  name: 'actions.list',
  text: `
    SELECT * FROM ${liveSchema}.actions
    WHERE project = $1 AND (action_id, version) > ($2, $3)
    ORDER BY action_id, version
    LIMIT $4`,
};

const selectReferences = {
  name: 'actions.references',
  text: `
    SELECT action_id || '@' || version AS reference FROM ${liveSchema}.actions
    WHERE project = $1
    ORDER BY action_id, version
    LIMIT $2`,
};

function readAction(row: ActionEntity): ActionRow {
  return {
    project: row.project,
    actionId: row.action_id,
    version: row.version,
    contentHash: row.content_hash,
    manifest: actionManifestSchema.parse(JSON.parse(row.manifest)),
  };
}
