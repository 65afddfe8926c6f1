import type { V1Pod } from '@kubernetes/client-node';
import type { PodNews } from './cluster/known-pods';
import { refusedSinceMs } from './image-pull';
import { statusOfMain } from './pod-status';
import { isUnreachable, type Watched } from './pod-step';
import { waitOf } from './pod-wait';

/** A pod that is seen for the first time. Pure. @param ranMs for how long it has run by then */
export function firstSeen(pod: V1Pod, nowMs: number, ranMs: number): Watched {
  return {
    pod,
    isGone: false,
    waitingSinceMs: nowMs,
    refusedSinceMs: refusedSinceMs(waitOf(pod), undefined, nowMs),
    runningSinceMs: isRunning(pod) ? nowMs - ranMs : undefined,
    unreachableSinceMs: isUnreachable(pod) ? nowMs : undefined,
  };
}

/** The same pod, of which something was heard. Pure. */
export function seenAgain(before: Watched, news: PodNews, nowMs: number): Watched {
  const pod = podIn(news);
  const wait = waitOf(pod);
  const isWaitingForTheSame = wait.for === waitOf(before.pod).for;
  return {
    pod,
    isGone: news.type === 'gone',
    waitingSinceMs: isWaitingForTheSame ? before.waitingSinceMs : nowMs,
    refusedSinceMs: refusedSinceMs(wait, before.refusedSinceMs, nowMs),
    runningSinceMs: isRunning(pod) ? (before.runningSinceMs ?? nowMs) : before.runningSinceMs,
    unreachableSinceMs: isUnreachable(pod) ? (before.unreachableSinceMs ?? nowMs) : undefined,
  };
}

export function podIn(news: PodNews): V1Pod {
  return news.type === 'changed' ? news.pod : news.last;
}

function isRunning(pod: V1Pod): boolean {
  return statusOfMain(pod)?.state?.running !== undefined;
}
