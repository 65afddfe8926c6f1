import type { V1Pod } from '@kubernetes/client-node';
import type { Failure } from '@ryax/contracts';
import { lost } from './interruption';
import { gonePodOutcome, podOutcome, type PodOutcome } from './pod-outcome';
import { conditionOf, statusOfMain, timeMs } from './pod-status';
import type { Wait } from './pod-wait';
import type { SiteConfig } from './site-config';

/** A pod as it was last heard of, with what the clock says of it. Times are of the monotonic clock. */
export interface Watched {
  readonly pod: V1Pod;
  readonly isGone: boolean;
  /** Since when it waits for what it waits for. */
  readonly waitingSinceMs: number;
  /** Since when its image is refused, and not only slow to come: {@link refusedSinceMs}. */
  readonly refusedSinceMs: number | undefined;
  /** When its container was first seen to run, less what it had run before. */
  readonly runningSinceMs: number | undefined;
  /** Since when its node is silent. */
  readonly unreachableSinceMs: number | undefined;
}

export interface PodLimits {
  /** Of the action's own work; null for none. */
  readonly timeLimitMs: number | null;
  readonly patience: SiteConfig['patienceMs'];
}

export type FinalOutcome = Extract<PodOutcome, { readonly status: 'succeeded' | 'failed' }>;

/** What to do about a pod now. */
export type PodStep =
  | { readonly type: 'end'; readonly outcome: FinalOutcome }
  /** It has run for as long as it may. */
  | { readonly type: 'time-limit'; readonly limitMs: number }
  /** It has waited longer than anybody has patience for. */
  | { readonly type: 'never-started'; readonly waitedMs: number }
  /** Nothing more will be heard of it: it is to be removed by force. */
  | { readonly type: 'give-up'; readonly failure: Failure }
  /** Until something is heard of it, or then. */
  | { readonly type: 'wait'; readonly untilMs: number };

const patienceFor: Readonly<Record<Wait['for'], keyof SiteConfig['patienceMs']>> = {
  node: 'unschedulable',
  image: 'image',
  config: 'configuration',
  inputs: 'starting',
  containers: 'starting',
};

/** What whoever works with a pod knows of it. */
export interface Told {
  /** When a pod that waits for its inputs must have started. */
  readonly startsByMs?: number | undefined;
  /** The action's own work is done, although its pod goes on. */
  readonly isWorkOver?: boolean;
}

/** The clocks of a cluster's machines, and its news, may be so late. */
const slackMs = 10_000;

/** Pure. `now` is of both clocks: the wall's is only compared with what the cluster has written. */
export function nextStep(
  watched: Watched,
  limits: PodLimits,
  now: { readonly monotonicMs: number; readonly wallMs: number },
  { startsByMs, isWorkOver = false }: Told = {},
): PodStep {
  const { pod, isGone, waitingSinceMs } = watched;
  const outcome = isGone ? gonePodOutcome(pod) : podOutcome(pod);
  switch (outcome.status) {
    case 'succeeded':
    case 'failed':
      return { type: 'end', outcome };
    case 'waiting': {
      const { for: what } = outcome.wait;
      const patientMs = waitingSinceMs + limits.patience[patienceFor[what]];
      const longestMs = what === 'inputs' ? (startsByMs ?? patientMs) : patientMs;
      const untilMs = Math.min(longestMs, (watched.refusedSinceMs ?? Infinity) + limits.patience.refusedImage);
      if (now.monotonicMs < untilMs) return { type: 'wait', untilMs };
      return { type: 'never-started', waitedMs: now.monotonicMs - waitingSinceMs };
    }
    case 'running':
      return stepOfRunning(watched, isWorkOver ? { ...limits, timeLimitMs: null } : limits, now.monotonicMs);
    case 'stopping': {
      const leftMs = outcome.graceEndsMs + slackMs - now.wallMs;
      if (leftMs <= 0) return { type: 'give-up', failure: outcome.failure };
      return { type: 'wait', untilMs: now.monotonicMs + leftMs };
    }
    default:
      return outcome satisfies never;
  }
}

/** Whether it is to stop, and its node should have told of its end by now: it never may. */
export function isOverdue(pod: V1Pod, wallMs: number): boolean {
  const outcome = podOutcome(pod);
  return outcome.status === 'stopping' && wallMs >= outcome.graceEndsMs + slackMs;
}

function stepOfRunning(watched: Watched, { timeLimitMs, patience }: PodLimits, nowMs: number): PodStep {
  const { pod, runningSinceMs = nowMs, unreachableSinceMs } = watched;
  const overMs = timeLimitMs === null ? Infinity : runningSinceMs + timeLimitMs;
  if (timeLimitMs !== null && nowMs >= overMs) return { type: 'time-limit', limitMs: timeLimitMs };
  const lostMs = unreachableSinceMs === undefined ? Infinity : unreachableSinceMs + patience.unreachable;
  if (nowMs >= lostMs) {
    const message = `Its node has not been heard of for ${Math.round(patience.unreachable / 1000)} s`;
    return { type: 'give-up', failure: lost(pod, message, 'NodeUnreachable') };
  }
  return { type: 'wait', untilMs: Math.min(overMs, lostMs) };
}

/** Why a kubelet that is heard of calls a pod not ready. */
const reasonsOfKubelets = ['ContainersNotReady', 'ReadinessGatesNotReady'];

/** Whether the node of a running pod is silent. All that the cluster says then is that the pod is not ready, without a reason. */
export function isUnreachable(pod: V1Pod): boolean {
  const isRunning = statusOfMain(pod)?.state?.running !== undefined;
  const ready = conditionOf(pod, 'Ready');
  if (!isRunning || ready === undefined || ready.status === 'True') return false;
  return !reasonsOfKubelets.includes(ready.reason ?? '');
}

/** How long the container has run by the cluster's clock; 0 where it does not run. */
export function ranForMs(pod: V1Pod, wallMs: number): number {
  const startedMs = timeMs(statusOfMain(pod)?.state?.running?.startedAt);
  return startedMs === undefined ? 0 : Math.max(0, wallMs - startedMs);
}
