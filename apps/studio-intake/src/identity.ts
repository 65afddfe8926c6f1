import { createHash } from 'node:crypto';
import { idempotencyKeySchema, type JsonValue } from '@ryax/contracts';
import { canonicalJson } from '@ryax/filestore';

/** Length of a run id in hexadecimal digits: 128 bits, so that ids of different keys do not meet. */
const runIdDigits = 32;

export interface RunKey {
  readonly project: string;
  readonly workflowId: string;
  /** `api`, or the id of the trigger. */
  readonly source: string;
  /** The caller's idempotency key, or one that was made for it. */
  readonly key: string;
}

/** A run's id follows from who asked for what under which key, so that repeats meet on one stream. */
export function runIdOf({ project, workflowId, source, key }: RunKey): string {
  return digestOf([project, workflowId, source, key]).slice(0, runIdDigits);
}

/**
 * The key of a command by message that has none of its own: its CloudEvents source and id, which a message that is sent again
 * keeps. What is too long for a key is named by their digest, which is as stable.
 */
export function keyOfMessage({ source, id }: { readonly source: string; readonly id: string }): string {
  const name = `${source}/${id}`;
  if (idempotencyKeySchema.safeParse(name).success) return name;
  return `sha256:${digestOf([source, id])}`;
}

/** Parts with their lengths: moving the border between two of them makes another digest. */
function digestOf(parts: readonly string[]): string {
  const hash = createHash('sha256');
  for (const part of parts) {
    const bytes = Buffer.from(part, 'utf8');
    hash.update(`${bytes.length}:`).update(bytes);
  }
  return hash.digest('hex');
}

/** Of what the caller sent, never of what it was resolved to: a repeat after a new deployment is still the same request. */
export function requestHashOf(request: JsonValue): string {
  return createHash('sha256').update(canonicalJson(request)).digest('hex');
}
