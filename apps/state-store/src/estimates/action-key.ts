import { createHash } from 'node:crypto';
import type { PlanEntry } from '@ryax/workflow';

/** Names what an entry runs by its content, so that equal actions of two definitions are one; undefined for a built-in. */
export function actionKey({ action }: PlanEntry): string | undefined {
  switch (action?.type) {
    case undefined:
    case 'builtin':
      return undefined;
    case 'handler':
      return action.content_hash;
    case 'container': {
      const parts = JSON.stringify([action.image, action.command, Object.entries(action.env).sort()]);
      return `container:${createHash('sha256').update(parts).digest('hex')}`;
    }
    default:
      return action satisfies never;
  }
}
