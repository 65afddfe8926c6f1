import type { ActionManifest } from '@ryax/contracts';
import type { DecodedEvent } from '../../tail/decoded-event';

/** A published action: `id@version` never changes its content. */
export interface ActionRow {
  readonly project: string;
  readonly actionId: string;
  readonly version: string;
  readonly contentHash: string;
  readonly manifest: ActionManifest;
}

export function publishedAction({ event, stream }: DecodedEvent): ActionRow | undefined {
  if (event.type !== 'ActionPublished') return undefined;
  const { action_id: actionId, version, content_hash: contentHash, manifest } = event.data;
  return { project: stream.project, actionId, version, contentHash, manifest };
}
