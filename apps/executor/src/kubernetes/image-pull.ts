import type { Wait } from './pod-wait';

/**
 * What a node says of an image that it does not have:
 *
 * - `refused`: it cannot be had, and will not be until somebody changes something: the name cannot be, the registry has no such
 *   image, lets nobody in, or has none for the node's platform;
 * - `away`: the registry does not answer, or is busy. It may come back;
 * - `unsaid`: the node waits until it tries again, and older ones do not repeat why.
 */
export type Pull = 'refused' | 'away' | 'unsaid';

/** Reasons that the node gives without asking a registry. */
const refusals = ['InvalidImageName', 'ErrImageNeverPull', 'SignatureValidationFailed'];

/** Whatever else it says: a registry that is busy may well speak of authentication. */
const away =
  /time-?out|timed out|deadline exceeded|connection (refused|reset)|no route to host|too ?many ?requests|\b429\b|\b50[0-4]\b/i;

/** Pure. Of a pod that waits for an image. */
export function pullOf({ reason, message }: Pick<Wait, 'reason' | 'message'>): Pull {
  if (refusals.includes(reason)) return 'refused';
  if (isVague(message)) return 'unsaid';
  const said = withoutNames(message);
  if (away.test(said)) return 'away';
  return isAbsent(said) || isLockedOut(said) || isOfOtherPlatform(said) ? 'refused' : 'away';
}

/** Since when an image has been refused, from what was known `before` and what the pod says now. */
export function refusedSinceMs(wait: Wait, before: number | undefined, nowMs: number): number | undefined {
  if (wait.for !== 'image') return undefined;
  const pull = pullOf(wait);
  switch (pull) {
    case 'refused':
      return before ?? nowMs;
    case 'unsaid':
      return before;
    case 'away':
      return undefined;
    default:
      return pull satisfies never;
  }
}

/** Between two tries an older cluster only says that it waits for the next one. */
export function isVague(message: string): boolean {
  return message === '' || /^Back-off pulling image "[^"]*"$/.test(message);
}

/** What to do about an image that cannot be had. @param pullSecrets those of its pod, for people */
export function imageAdvice(reason: string, cause: string, pullSecrets: string): string {
  if (reason === 'InvalidImageName') return "Correct the image's name in the action";
  if (reason === 'ErrImageNeverPull') return 'Load it on the nodes, or let it be pulled (imagePullPolicy)';
  const said = withoutNames(cause);
  if (isOfOtherPlatform(said)) return "Build it for the nodes' platform, or have the action run where it fits";
  // Some say so of what does not exist, too: who is not let in must not learn of it.
  if (isLockedOut(said)) {
    return `Check that the registry lets the image pull secrets in (${pullSecrets}), and the image's name`;
  }
  if (isAbsent(said)) return "Check the image's name and tag";
  return `Check its name, that the nodes reach its registry, and the image pull secrets (${pullSecrets})`;
}

/** That it is the image, or its repository: a node also misses files, secrets and pieces of what it has pulled, and may find them later. */
function isAbsent(said: string): boolean {
  return (
    // Nothing but the name stood before it.
    /(^|ErrImagePull:)\W*not found/i.test(said) ||
    /failed to resolve (reference|image)\W*not found|\b404 not found|(manifest|name) unknown/i.test(said) ||
    /\b(image|manifest|repository|artifact)( for)?\s+([^\s:]+:\S+\s+)?not found/i.test(said)
  );
}

function isLockedOut(said: string): boolean {
  return /unauthorized|denied|forbidden|credentials|authentication required|\b40[13]\b/i.test(said);
}

/** As containerd, Docker and CRI-O say it. */
function isOfOtherPlatform(said: string): boolean {
  return /no match for platform|no matching manifest|no image found in (image index|manifest list)/i.test(said);
}

/**
 * An image may be called `tools/denied:404`: names and addresses stand in quotes, or have a slash or a dot. Words are found first
 * and judged one by one, as a registry may send one that is long and has neither.
 */
function withoutNames(message: string): string {
  return message.replace(/"[^"]*"/g, '').replace(/\S+/g, (word) => (/[/.]./s.test(word) ? '' : word));
}
