import type { V1Pod } from '@kubernetes/client-node';
import type { Failure } from '@ryax/contracts';
import { backoffMs, wait, LinkedSignal } from '@ryax/platform';
import type { PodNews } from './cluster/known-pods';
import type { PodApi, Refused } from './cluster/pod-api';
import { reasonOf } from './cluster/pod-api';
import type { PlaceInLine, RoomLine } from './cluster/room-line';
import { identityOf } from './labels';
import { ownerLabel, ownerOf } from './ownership';
import { isWarm } from './warm/warm-kind';

export type Created =
  | { readonly type: 'pod'; readonly pod: V1Pod }
  | { readonly type: 'failed'; readonly failure: Failure }
  /** Was to be stopped before there was a pod. */
  | { readonly type: 'stopped' };

export interface CreationParts {
  readonly api: PodApi;
  readonly incarnation: string;
  /** Whether a runner still counts on us: what nobody waits for any more must not begin. */
  readonly mayCreate: () => boolean;
  /** Whether it is tried again where others have to end before there is room. */
  readonly isWaitedFor: () => boolean;
  /** Where it waits for a turn when a quota leaves no room. */
  readonly room: RoomLine;
  /** What the watch has told of a pod of that name: it may be there, or gone again, although we never heard of its creation. */
  readonly seen: () => PodNews | undefined;
  /** What holds it up, for whoever reads along. */
  readonly say: (line: string) => void;
}

/** Others have to end before there is room, or the server has to come back. */
const retry = { initialMs: 1_000, maxMs: 30_000 };
/** A quota hears of what has ended a moment later than we do. */
const leastQuotaLagMs = 200;
const quotaLag = { initialMs: 800, maxMs: 800 };
/** Who had a turn in vain waits no longer than for the fourth try: it may only have been too early. */
const triesAfterTurn = 3;
/** Somebody was faster: at most so often. */
const mostConflicts = 20;

/**
 * Creates the pod of an attempt, and is sure of it: tries until the server has said yes or that no repeat can help. One of its name
 * that is there already was created for the same attempt, by an earlier try or by another executor, and is taken over.
 *
 * @param stopped aborted when the attempt is not wanted any more
 * @param signal aborted when this executor leaves; then it rejects
 */
export async function createPod(
  pod: V1Pod,
  parts: CreationParts,
  stopped: AbortSignal,
  signal: AbortSignal,
): Promise<Created> {
  const place = parts.room.place();
  try {
    return await createAt(place, pod, parts, stopped, signal);
  } finally {
    place.leave();
  }
}

async function createAt(
  place: PlaceInLine,
  pod: V1Pod,
  parts: CreationParts,
  stopped: AbortSignal,
  signal: AbortSignal,
): Promise<Created> {
  let mayExist = false;
  let conflicts = 0;
  for (let tries = 0; ;) {
    if (stopped.aborted && !mayExist) return { type: 'stopped' };
    const seen = mayExist ? seenOf(pod, parts) : undefined;
    if (seen !== undefined) return { type: 'pod', pod: seen };
    if (!mayExist && !parts.mayCreate()) return { type: 'failed', failure: notBegun };
    place.tries();
    // Nobody wants it, but it may be there: it is not created again, and is looked for.
    const answered = stopped.aborted
      ? await parts.api.read(pod.metadata?.name ?? '', signal)
      : await parts.api.create(pod, signal);
    switch (answered.verdict) {
      case 'ok':
        return stopped.aborted ? takeOver(answered.object, parts, signal) : { type: 'pod', pod: answered.object };
      case 'adopt':
      case 'wait-for-deletion': {
        const found = await existing(pod, parts, signal);
        if (found !== undefined) return found;
        break;
      }
      case 'rejected':
        return { type: 'failed', failure: answered.failure };
      case 'gone':
      case 'expired':
        if (stopped.aborted) return { type: 'stopped' };
        return { type: 'failed', failure: { kind: 'rejected', message: `The cluster refused: ${answered.message}` } };
      case 'conflict':
        if (++conflicts > mostConflicts) return { type: 'failed', failure: refusal(answered) };
        break;
      case 'quota':
      case 'throttled':
        if (!parts.isWaitedFor()) return { type: 'failed', failure: refusal(answered) };
        parts.say(`Its pod waits to be created: ${answered.message}`);
        break;
      case 'unavailable':
        mayExist = true;
        parts.say(`Its pod waits to be created: ${answered.message}`);
        break;
      default:
        answered satisfies never;
    }
    // One that is stopped already, and may be there, is looked for with the same patience.
    const either = stopped.aborted ? new LinkedSignal(signal) : new LinkedSignal(stopped, signal);
    tries = await nextTry(answered, tries, place, either.signal).finally(() => either.unlink());
    signal.throwIfAborted();
  }
}

/** A pod that was created and is gone again must not be created once more: whoever gets it hears that it is gone. */
function seenOf(pod: V1Pod, parts: CreationParts): V1Pod | undefined {
  const news = parts.seen();
  const seen = news?.type === 'gone' ? news.last : news?.pod;
  const isOurs = seen !== undefined && isSameAttempt(seen, pod) && ownerOf(seen) === parts.incarnation;
  return isOurs ? seen : undefined;
}

/**
 * What is there under the name. An attempt begins once: its pod is not created a second time, not even when the first one is being
 * deleted or is gone. Undefined where it is somebody else's that will be gone soon.
 */
async function existing(pod: V1Pod, parts: CreationParts, signal: AbortSignal): Promise<Created | undefined> {
  const name = pod.metadata?.name ?? '';
  for (let tries = 0; ; tries++) {
    const answered = await parts.api.read(name, signal);
    if (answered.verdict === 'ok') {
      if (isSameAttempt(answered.object, pod)) return takeOver(answered.object, parts, signal);
      if (answered.object.metadata?.deletionTimestamp !== undefined) return undefined;
      const message = `A pod named ${name} is there, and is not of this attempt`;
      return { type: 'failed', failure: { kind: 'rejected', message } };
    }
    if (answered.verdict === 'gone') return { type: 'failed', failure: vanished };
    if (answered.verdict === 'rejected') return { type: 'failed', failure: answered.failure };
    await rest(answered, tries, signal);
  }
}

/**
 * Says on the pod that it is ours, unless it does.
 * @param mayTakeFrom whom it may belong to, should it have changed hands meanwhile
 */
export async function takeOver(
  pod: V1Pod,
  parts: Pick<CreationParts, 'api' | 'incarnation'>,
  signal: AbortSignal,
  mayTakeFrom: (owner: string | undefined) => boolean = () => true,
): Promise<Created> {
  let current = pod;
  for (let tries = 0; ; tries++) {
    if (ownerOf(current) === parts.incarnation) return { type: 'pod', pod: current };
    if (!mayTakeFrom(ownerOf(current))) return { type: 'failed', failure: taken };
    const answered = await parts.api.label(current, { [ownerLabel]: parts.incarnation }, signal);
    if (answered.verdict === 'ok') return { type: 'pod', pod: answered.object };
    if (answered.verdict === 'gone') return { type: 'failed', failure: vanished };
    if (answered.verdict === 'rejected') return { type: 'failed', failure: answered.failure };
    await rest(answered, tries, signal);
    const reread = await parts.api.read(current.metadata?.name ?? '', signal);
    if (reread.verdict === 'ok') current = reread.object;
  }
}

/** A warm pod is of no attempt: its name alone, which nobody comes to by chance, says which one it is. */
function isSameAttempt(one: V1Pod, other: V1Pod): boolean {
  if (isWarm(other)) return isWarm(one) && one.metadata?.name === other.metadata?.name;
  const identity = identityOf(one);
  return identity !== undefined && JSON.stringify(identity) === JSON.stringify(identityOf(other));
}

/** Waits until it is worth trying again. Answers how many tries the next wait counts. */
async function nextTry(
  refused: Refused | { readonly verdict: 'ok' },
  tries: number,
  place: PlaceInLine,
  signal: AbortSignal,
): Promise<number> {
  if (refused.verdict !== 'quota') {
    // Others may be luckier meanwhile.
    place.leave();
    await rest(refused, tries, signal);
    return tries + 1;
  }
  if (!(await place.turn(backoffMs(tries, retry), signal))) return tries + 1;
  await wait(leastQuotaLagMs + backoffMs(0, quotaLag), signal).catch(() => undefined);
  return Math.min(tries, triesAfterTurn);
}

async function rest(refused: Refused | { readonly verdict: 'ok' }, tries: number, signal: AbortSignal): Promise<void> {
  const isQuick = refused.verdict === 'conflict' || refused.verdict === 'unavailable';
  const leastMs = 'retryAfterMs' in refused ? (refused.retryAfterMs ?? 0) : 0;
  const delayMs = backoffMs(tries, isQuick ? { ...retry, initialMs: 200 } : retry);
  // Aborted: the caller looks why.
  await wait(Math.max(delayMs, leastMs), signal).catch(() => undefined);
}

function refusal(refused: Refused): Failure {
  return { kind: 'lost', message: `The cluster has not taken the pod: ${reasonOf(refused)}` };
}

const notBegun: Failure = {
  kind: 'lost',
  message: 'Its executor had lost contact with the runners before its pod was created',
};
const taken: Failure = { kind: 'lost', message: 'Another executor has taken over the pod' };
const vanished: Failure = { kind: 'lost', message: 'The pod was deleted before its end was seen' };
