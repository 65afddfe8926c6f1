import { setTimeout as wait } from 'node:timers/promises';
import type { Pod } from './objects';
import { seededRandom } from './request-faults';

/** What a schedule may do to the cluster. */
export type HarmKind =
  | 'drop-watches'
  | 'silence-watches'
  | 'expire-versions'
  | 'evict'
  | 'delete'
  | 'oom-kill'
  | 'remove-finished'
  | 'outage';

export interface ChaosOptions {
  /** How long from one harm to the next; each comes after half to one and a half times of it. */
  readonly everyMs: number;
  /** What tells those milliseconds, real time by default. By what has been done a slow machine comes to no more harm than a fast one. */
  readonly nowMs?: () => number;
  /** All of them by default. One that is named twice comes twice as often. */
  readonly kinds?: readonly HarmKind[];
  /** How long the server is down in an outage; 200 by default. */
  readonly outageMs?: number;
}

/** One thing that was done. */
export interface Harm {
  readonly kind: HarmKind;
  /** Whom it was done to, where it is about one pod. */
  readonly pod?: { readonly namespace: string; readonly name: string; readonly uid: string };
}

/** What a schedule needs of the cluster. */
export interface Harmable {
  dropWatches(): void;
  silenceWatches(): void;
  expireVersions(): void;
  /** Resolves when the last status of the pod is written. */
  evict(pod: Pod): Promise<void>;
  delete(pod: Pod): void;
  oomKill(pod: Pod): void;
  /** Removes all finished pods, and answers them. */
  removeFinished(): readonly Pod[];
  /** Those whose containers run, and that nobody has begun to end; by name. */
  running(): readonly Pod[];
  isUp(): boolean;
  goDown(): Promise<void>;
  comeBack(): Promise<void>;
}

export const harmKinds: readonly HarmKind[] = [
  'drop-watches',
  'silence-watches',
  'expire-versions',
  'evict',
  'delete',
  'oom-kill',
  'remove-finished',
  'outage',
];

const defaultOutageMs = 200;
/** How often a time is asked for that is not the real one. */
const askEveryMs = 10;

/**
 * Does harm to a cluster until it is stopped. The kinds and the pauses between them are the same for the same seed; which pod is
 * hit depends on who runs at that moment. Where there is nobody to hit, a turn passes without harm.
 */
export class Chaos {
  private readonly harms: Harm[] = [];
  private readonly hit = new Set<string>();
  private readonly stopping = new AbortController();
  private readonly random: () => number;
  private readonly evictions = new Set<Promise<void>>();
  private readonly life: Promise<void>;

  constructor(
    seed: number,
    private readonly options: ChaosOptions,
    private readonly cluster: Harmable,
  ) {
    this.random = seededRandom(seed);
    this.life = this.live();
    // Whoever stops it hears of it.
    this.life.catch(() => undefined);
  }

  /** What was done so far, in order. */
  get done(): readonly Harm[] {
    return this.harms;
  }

  /** Whether this pod was hit; one that was about to end may have ended as if it were not. */
  hasHit({ metadata: { uid = '' } }: Pod): boolean {
    return this.hit.has(uid);
  }

  /** Resolves when the server is up and all that was begun is done; rejects with what went wrong. */
  async stop(): Promise<readonly Harm[]> {
    this.stopping.abort();
    await this.life;
    return this.harms;
  }

  private async live(): Promise<void> {
    const { everyMs, kinds = harmKinds } = this.options;
    while (await this.passed(everyMs * (0.5 + this.random()))) {
      // Both are drawn in every turn: the kinds to come must not depend on whom there was to hit.
      const kind = this.pick(kinds, this.random());
      const choice = this.random();
      if (kind) await this.harm(kind, choice);
    }
    await Promise.all(this.evictions);
  }

  private async harm(kind: HarmKind, choice: number): Promise<void> {
    const { cluster } = this;
    switch (kind) {
      case 'drop-watches':
        cluster.dropWatches();
        break;
      case 'silence-watches':
        cluster.silenceWatches();
        break;
      case 'expire-versions':
        cluster.expireVersions();
        break;
      case 'outage':
        await this.outage();
        return;
      case 'remove-finished':
        cluster.removeFinished().forEach((pod) => this.note(kind, pod));
        return;
      case 'evict':
      case 'delete':
      case 'oom-kill':
        this.hurt(kind, choice);
        return;
      default:
        kind satisfies never;
    }
    this.note(kind);
  }

  private hurt(kind: 'evict' | 'delete' | 'oom-kill', choice: number): void {
    const pod = this.pick(
      this.cluster.running().filter((one) => !this.hasHit(one)),
      choice,
    );
    if (!pod) return;
    this.note(kind, pod);
    if (kind === 'evict') this.own(this.cluster.evict(pod));
    else if (kind === 'delete') this.cluster.delete(pod);
    else this.cluster.oomKill(pod);
  }

  /** Its failure is told when all is stopped. */
  private own(eviction: Promise<void>): void {
    this.evictions.add(eviction);
    eviction.catch(() => undefined);
  }

  private async outage(): Promise<void> {
    const { cluster } = this;
    if (!cluster.isUp()) return;
    this.note('outage');
    await cluster.goDown();
    await this.pause(this.options.outageMs ?? defaultOutageMs);
    await cluster.comeBack();
  }

  private note(kind: HarmKind, pod?: Pod): void {
    if (!pod) {
      this.harms.push({ kind });
      return;
    }
    const { namespace = '', name, uid = '' } = pod.metadata;
    this.hit.add(uid);
    this.harms.push({ kind, pod: { namespace, name, uid } });
  }

  private pick<Item>(items: readonly Item[], choice: number): Item | undefined {
    return items[Math.floor(choice * items.length)];
  }

  /** Answers whether it goes on when so much time has passed, of whichever kind. */
  private async passed(ms: number): Promise<boolean> {
    const { nowMs } = this.options;
    if (nowMs === undefined) return this.pause(ms);
    const dueMs = nowMs() + ms;
    while (nowMs() < dueMs) if (!(await this.pause(askEveryMs))) return false;
    return !this.stopping.signal.aborted;
  }

  /** Answers whether it goes on after that. */
  private async pause(ms: number): Promise<boolean> {
    const { signal } = this.stopping;
    await wait(ms, undefined, { signal, ref: false }).catch(() => undefined);
    return !signal.aborted;
  }
}
