import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { V1Pod } from '@kubernetes/client-node';
import { backoffMs, wait, type Clock, type Log } from '@ryax/platform';
import { Remembered } from '../../remembered';
import { judgeAnswer } from '../api-answer';
import { reasonOf, type PodApi, type PodList, type Refused } from './pod-api';
import { RoomLine } from './room-line';
import { trimmed } from './trimmed';
import { Trouble } from './trouble';

/** What a listener is told: the pod as it now is, or as it last was and that it exists no more. */
export type PodNews =
  { readonly type: 'changed'; readonly pod: V1Pod } | { readonly type: 'gone'; readonly last: V1Pod };

export interface KnownPodsOptions {
  /** Bookmarks come about once a minute: a watch that is silent for longer has lost its other end. */
  readonly silenceMs: number;
  /** However well the watch goes, all are listed again so often. */
  readonly relistMs: number;
}

export const defaultWatching: KnownPodsOptions = { silenceMs: 150_000, relistMs: 600_000 };

/** An answer or a list that is late by so much may still tell of a pod that is gone. */
const goneForMs = 600_000;
const mostGone = 20_000;
const confirmedAtOnce = 8;
const retry = { initialMs: 250, maxMs: 15_000 };
const failed = { list: 'Pods could not be listed', watch: 'Pods could not be watched' };

/**
 * The pods of a site as the API server last told of them: one list, then one watch for all. A watch that breaks goes on where it
 * was; one whose version is too old, and from time to time any, is begun with a new list. A pod that such a list lacks is asked
 * for by its name before it counts as gone.
 */
export class KnownPods {
  /** Goes on as pods of the site end, and as they go. */
  readonly room = new RoomLine();
  private readonly pods = new Map<string, V1Pod>();
  private readonly listeners = new Map<string, (news: PodNews) => void>();
  private readonly gone = new Remembered(mostGone, goneForMs);
  private failures = 0;
  /** Why we hear nothing of pods. Who may list them may not be allowed to watch them. */
  private readonly trouble: { readonly list: Trouble; readonly watch: Trouble };

  constructor(
    private readonly api: PodApi,
    private readonly clock: Clock,
    private readonly log: Log,
    private readonly options: KnownPodsOptions = defaultWatching,
  ) {
    this.trouble = { list: new Trouble(clock, 'Pods were not listed yet'), watch: new Trouble(clock) };
  }

  get size(): number {
    return this.pods.size;
  }

  /** Whether we are told of pods at all. @throws Error that says why not: the cluster refuses it, or has not said a word yet */
  check(): void {
    const reason = this.trouble.list.reason ?? this.trouble.watch.reason;
    if (reason !== undefined) throw new Error(reason);
  }

  all(): IterableIterator<V1Pod> {
    return this.pods.values();
  }

  find(name: string): V1Pod | undefined {
    return this.pods.get(name);
  }

  /** One listener for each name. Answers how to stop. */
  listen(name: string, listener: (news: PodNews) => void): () => void {
    this.listeners.set(name, listener);
    return () => {
      if (this.listeners.get(name) === listener) this.listeners.delete(name);
    };
  }

  /** As an answer to a request of ours has it: newer than what we know, unless the watch was faster and the pod is even gone. */
  learn(pod: V1Pod): void {
    const { name = '', uid } = pod.metadata ?? {};
    if (this.gone.has(uid ?? '', this.clock.monotonicMs())) return;
    const known = this.pods.get(name);
    if (known !== undefined && known.metadata?.uid === uid && !isNewer(pod, known)) return;
    this.set(trimmed(pod));
  }

  /**
   * The pod of that name, although the watch may not have told of it yet: one that is not known is asked for. Rejects when the signal is
   * aborted.
   */
  async look(name: string, signal: AbortSignal): Promise<V1Pod | undefined> {
    for (let tries = 0; ; tries++) {
      const known = this.pods.get(name);
      if (known !== undefined) return known;
      const answered = await this.api.read(name, signal);
      if (answered.verdict === 'gone') return undefined;
      if (answered.verdict === 'ok') return answered.object;
      await wait(Math.max(backoffMs(tries, retry), retryAfter(answered)), signal);
    }
  }

  /**
   * Asks for the pod itself, until there is an answer: a list may come from a cache that is behind, and a watch may have been broken
   * for as long as the server was away. Resolves when it is known as it now is. Rejects when the signal is aborted.
   */
  async confirm(last: V1Pod, signal: AbortSignal): Promise<void> {
    const { name = '', uid } = last.metadata ?? {};
    for (let tries = 0; ; tries++) {
      const answered = await this.api.read(name, signal);
      const isOther = answered.verdict === 'ok' && answered.object.metadata?.uid !== uid;
      if (answered.verdict === 'gone' || isOther) this.drop(name, last);
      if (answered.verdict === 'ok') this.learn(answered.object);
      if (answered.verdict === 'ok' || answered.verdict === 'gone') return;
      await wait(Math.max(backoffMs(tries, retry), retryAfter(answered)), signal);
    }
  }

  /** Follows the pods until the signal is aborted. `onListed` is called after each list. */
  async follow(signal: AbortSignal, onListed: () => void): Promise<void> {
    for (let futile = 0; !signal.aborted; futile++) {
      const { resourceVersion, items } = await this.listUntilAnswered(signal);
      for (const pod of items) this.learn(pod);
      onListed();
      const missing = this.missingIn(items);
      // There may be many of them, and all others have news meanwhile.
      const watching = this.watchFrom(resourceVersion, signal);
      const [watched] = await Promise.all([watching, this.confirmAllGone(missing, signal)]);
      if (watched === 'watched') futile = -1;
      // A cache that is behind gives out lists which are too old to be watched from, for as long as it is behind.
      else await wait(backoffMs(futile, retry), signal);
    }
  }

  private async listUntilAnswered(signal: AbortSignal): Promise<PodList> {
    for (;;) {
      const listed = await this.api.list(signal);
      if (listed.verdict === 'ok') {
        this.failures = 0;
        this.trouble.list.over();
        return listed.object;
      }
      await this.rest('list', listed, signal);
    }
  }

  private missingIn(items: readonly V1Pod[]): V1Pod[] {
    const listed = new Set(items.map(({ metadata }) => metadata?.name));
    return [...this.pods].filter(([name]) => !listed.has(name)).map(([, pod]) => pod);
  }

  private async confirmAllGone(missing: V1Pod[], signal: AbortSignal): Promise<void> {
    const confirmSome = async () => {
      for (let next = missing.pop(); next !== undefined; next = missing.pop()) await this.confirm(next, signal);
    };
    await Promise.all(Array.from({ length: confirmedAtOnce }, confirmSome));
  }

  /** Returns when it is time for a list, and whether that version could be watched from. */
  private async watchFrom(version: string, signal: AbortSignal): Promise<'watched' | 'too-old'> {
    const relistAtMs = this.clock.monotonicMs() + this.options.relistMs;
    const place = { version };
    const hasNews = () => place.version !== version;
    while (!signal.aborted && this.clock.monotonicMs() < relistAtMs) {
      const streamed = await this.api.watch(place.version, this.options.silenceMs, signal);
      if (streamed.type === 'refused') {
        if (streamed.refused.verdict === 'expired') return hasNews() ? 'watched' : 'too-old';
        await this.rest('watch', streamed.refused, signal);
        continue;
      }
      this.trouble.watch.over();
      const began = place.version;
      const end = await this.read(streamed.body, place);
      if (end === 'expired') return hasNews() ? 'watched' : 'too-old';
      // A server that closes at once, again and again, is not asked in a loop.
      if (place.version !== began) this.failures = 0;
      else await this.rest('watch', undefined, signal);
    }
    return 'watched';
  }

  /** Takes in what a watch says, until it ends or breaks. */
  private async read(body: Readable, place: { version: string }): Promise<'ended' | 'expired'> {
    try {
      for await (const line of createInterface({ input: body, crlfDelay: Infinity })) {
        const event = eventOf(line);
        // A line that was cut is the last one.
        if (event === undefined) continue;
        if (event.type === 'ERROR') return this.endedBy(line);
        place.version = event.object.metadata?.resourceVersion ?? place.version;
        this.take(event);
      }
    } catch (error) {
      this.log.debug('A watch broke', { error });
    } finally {
      body.destroy();
    }
    return 'ended';
  }

  private endedBy(line: string): 'ended' | 'expired' {
    const { verdict } = judgeAnswer({ type: 'answer', status: 200, headers: {}, body: line });
    this.log.debug('A watch was ended by the server', { verdict });
    return verdict === 'expired' ? 'expired' : 'ended';
  }

  private take({ type, object }: WatchEvent): void {
    const name = object.metadata?.name ?? '';
    if (type === 'ADDED' || type === 'MODIFIED') this.learn(object);
    else if (type === 'DELETED') this.drop(name, trimmed(object));
  }

  private set(pod: V1Pod): void {
    const name = pod.metadata?.name ?? '';
    const before = this.pods.get(name);
    const isOther = before?.metadata?.uid !== pod.metadata?.uid;
    if (before !== undefined && isOther) this.drop(name, before);
    this.pods.set(name, pod);
    if (before !== undefined && !isOther && !hasEnded(before) && hasEnded(pod)) this.room.freed();
    this.listeners.get(name)?.({ type: 'changed', pod });
  }

  private drop(name: string, last: V1Pod): void {
    const known = this.pods.get(name);
    if (known !== undefined && known.metadata?.uid !== last.metadata?.uid) return;
    this.pods.delete(name);
    this.gone.add(last.metadata?.uid ?? '', this.clock.monotonicMs());
    this.listeners.get(name)?.({ type: 'gone', last });
    // Also of one that had ended: a quota of `count/pods` counts it until it is gone.
    if (known !== undefined) this.room.freed();
  }

  private async rest(request: keyof typeof failed, refused: Refused | undefined, signal: AbortSignal): Promise<void> {
    const delayMs = Math.max(backoffMs(this.failures++, retry), retryAfter(refused));
    if (refused !== undefined) this.say(request, refused, delayMs);
    await wait(delayMs, signal);
  }

  private say(request: keyof typeof failed, refused: Refused, delayMs: number): void {
    const [what, reason] = [failed[request], reasonOf(refused)];
    const isRejected = refused.verdict === 'rejected';
    this.trouble[request].failed(`${what}: ${reason}`, isRejected);
    this.log[isRejected ? 'error' : 'warn'](what, { reason, delay_ms: Math.round(delayMs) });
  }
}

interface WatchEvent {
  readonly type: string;
  readonly object: V1Pod;
}

/** What has ended, most quotas count no more. */
function hasEnded({ status }: V1Pod): boolean {
  return status?.phase === 'Succeeded' || status?.phase === 'Failed';
}

function eventOf(line: string): WatchEvent | undefined {
  try {
    const event = JSON.parse(line) as Partial<WatchEvent> | null;
    return event?.type === undefined || event.object === undefined ? undefined : (event as WatchEvent);
  } catch {
    return undefined;
  }
}

function retryAfter(refused: Refused | undefined): number {
  return refused !== undefined && 'retryAfterMs' in refused ? (refused.retryAfterMs ?? 0) : 0;
}

/** Versions of one object may be compared as numbers (Kubernetes says so since 1.35, and has always kept it). */
function isNewer(pod: V1Pod, known: V1Pod): boolean {
  const version = pod.metadata?.resourceVersion ?? '';
  const other = known.metadata?.resourceVersion ?? '';
  if (!/^\d+$/.test(version) || !/^\d+$/.test(other)) return version !== other;
  return BigInt(version) > BigInt(other);
}
