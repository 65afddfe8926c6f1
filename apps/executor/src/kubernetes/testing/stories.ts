import type { V1Pod } from '@kubernetes/client-node';
import { podOutcome, type PodOutcome } from '../pod-outcome';
import { recordedPods } from './recorded';

/** `waiting:image` or `failed:lost`, of all states of a recorded pod, without repeats. */
export function story(name: string): string[] {
  const words = recordedPods(name).map(({ object }) => summary(podOutcome(object)));
  return words.filter((word, at) => word !== words[at - 1]);
}

export function summary(outcome: PodOutcome): string {
  if (outcome.status === 'waiting') return `waiting:${outcome.wait.for}`;
  return outcome.status === 'failed' ? `failed:${outcome.failure.kind}` : outcome.status;
}

export function lastOf(name: string): V1Pod {
  const seen = recordedPods(name).at(-1);
  if (seen === undefined) throw new Error(`Nothing was recorded of ${name}`);
  return seen.object;
}

export function failureOf(pod: V1Pod) {
  const outcome = podOutcome(pod);
  return outcome.status === 'failed' ? outcome.failure : undefined;
}

/** What every pod that comes to run goes through. */
export const starts = ['waiting:node', 'waiting:containers', 'running'];
