import { createHash } from 'node:crypto';
import type { Launch } from '../launcher';

/** What names an attempt among all runs of all projects. */
export type PodIdentity = Pick<Launch, 'project' | 'runId' | 'execution' | 'attempt'>;

/** A DNS label: what a pod's name may be so that it is its host name, too. */
const longestName = 63;
const prefix = 'ryax';
/** 128 bits: no two attempts meet by chance. */
const digestDigits = 32;

/**
 * The name of an attempt's pod, the same wherever and whenever it is asked: whoever creates it a second time is told that it
 * exists. The readable part (execution and attempt) is for people; the digest alone tells attempts apart, whatever their
 * ids are made of. It must never change: a successor would not recognise the pods that its predecessor has created.
 */
export function podName({ project, runId, execution, attempt }: PodIdentity): string {
  // As JSON no two lists of ids have one text.
  const identity = JSON.stringify([project, runId, execution, attempt]);
  const digest = createHash('sha256').update(identity).digest('hex').slice(0, digestDigits);
  const room = longestName - [prefix, attempt, digest].join('-').length - 1;
  return [prefix, slug(execution, room), attempt, digest].filter((part) => part !== '').join('-');
}

/** What a DNS label can show of a text; it may be nothing. */
function slug(text: string, length: number): string {
  return text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, length)
    .replace(/^-|-$/g, '');
}
