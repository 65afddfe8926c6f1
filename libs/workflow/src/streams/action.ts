import type { ActionEvent, ActionPublish } from '@ryax/contracts';
import type { StreamDecision } from './stream-decision';

/** One action of the catalogue, with all its versions: what was published under `id@version` stays what it is. */
export interface ActionState {
  readonly hashByVersion: ReadonlyMap<string, string>;
}

export interface ActionMessage {
  readonly type: 'publish';
  readonly command: ActionPublish;
}

export function newAction(): ActionState {
  return { hashByVersion: new Map() };
}

export function evolveAction(state: ActionState, event: ActionEvent): ActionState {
  switch (event.type) {
    case 'ActionPublished':
      return { hashByVersion: new Map(state.hashByVersion).set(event.data.version, event.data.content_hash) };
    default:
      return event.type satisfies never;
  }
}

export function decideAction(state: ActionState, { command }: ActionMessage): StreamDecision<ActionEvent> {
  const { action_id, version, content_hash } = command;
  const reply = { action_id, version, content_hash };
  const published = state.hashByVersion.get(version);
  if (published === content_hash) return { type: 'decided', events: [], reply };
  if (published !== undefined) {
    const message = `Expected the content ${published} under ${action_id}@${version}, found ${content_hash}`;
    return { type: 'rejected', rejection: { code: 'conflict', message } };
  }
  return { type: 'decided', events: [{ type: 'ActionPublished', data: command }], reply };
}
