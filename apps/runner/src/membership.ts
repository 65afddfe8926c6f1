import type { Broker } from '@ryax/broker';
import { EVENT_SCHEMA, exchanges, routingKeys } from '@ryax/contracts';
import type { Lock, Locks, Member, Members } from '@ryax/event-log';
import type { Clock, IdSource, Log } from '@ryax/platform';
import { rankAmong, type RunnerRank } from './executor-choice';
import { ownedPartitions } from './partitions';

/** Long enough to find executors that died before we started: they may have taken what nobody else knows of. */
export const rememberedMs = 24 * 60 * 60 * 1000;

export interface MembershipOptions {
  readonly incarnation: string;
  readonly partitions: number;
  readonly patienceMs: number;
}

/** What a runner has out and could hand out, by the key of each pool that can run it. */
export type WantedByPool = Readonly<Record<string, number>>;

/**
 * This runner among the live ones: a row with a heartbeat, and a lock that the database holds for it as long as its
 * connection lasts (docs/adr/0102-locks-of-runners.md).
 *
 * | what is so | then |
 * |---|---|
 * | database and broker answer, and it consumes what is its own | it beats, and holds the partitions that are its own |
 * | its process is gone | the lock goes with it: at their next beat the others take over |
 * | it is stopped, or cannot reach the database or the broker, or consume | it holds its lock and does not beat: taken over when its last beat is old |
 * | the lock's connection was lost | it takes the lock again with its next beat |
 *
 * In the last case others may have taken over in between, and give back at their next beats what they hold. Until then two
 * runners fold and decide the same runs, as in every change of owner: the head's compare-and-set lets one append win, the
 * other folds again, and nothing is lost.
 */
export class Membership {
  private owned: ReadonlySet<number> = new Set();
  private others: readonly WantedByPool[] = [];
  private rankNow: RunnerRank = { index: 0, count: 1 };
  private lastBeatAt: number;
  private lock: Lock | undefined;

  constructor(
    private readonly members: Members,
    private readonly locks: Locks,
    private readonly broker: Broker,
    private readonly clock: Clock,
    private readonly ids: IdSource,
    private readonly log: Log,
    private readonly options: MembershipOptions,
  ) {
    this.lastBeatAt = clock.monotonicMs();
  }

  get partitions(): ReadonlySet<number> {
    return this.owned;
  }

  /** Which of the runners alive we are, as of our last beat. */
  get rank(): RunnerRank {
    return this.rankNow;
  }

  /** Ready and outstanding work of the other runners in this pool, as they last said. */
  wantedByOthers(pool: string): number {
    return this.others.reduce((sum, wanted) => sum + (wanted[pool] ?? 0), 0);
  }

  get msSinceBeat(): number {
    return this.clock.monotonicMs() - this.lastBeatAt;
  }

  /** One beat: says that we live, and answers which partitions are ours now. */
  async beat(wanted: WantedByPool): Promise<ReadonlySet<number>> {
    const { incarnation, partitions, patienceMs } = this.options;
    const sent = this.clock.monotonicMs();
    await this.broker.publish(
      { exchange: exchanges.executions.name, routingKey: routingKeys.beat },
      [
        {
          id: this.ids.newId(),
          type: 'runner.beat',
          source: 'runner',
          project: 'default',
          data: { incarnation, sent },
        },
      ],
      { persistent: false },
    );
    await this.holdLock();
    await this.members.beat({
      id: incarnation,
      incarnation,
      kind: 'runner',
      site: '',
      pools: '[]',
      poolKinds: '[]',
      wanted: JSON.stringify(wanted),
      schemaMax: EVENT_SCHEMA,
      lock: this.lockName,
      keepsWork: false,
      sent,
    });
    const runners = (await this.members.live(patienceMs)).filter((member) => member.kind === 'runner');
    this.lastBeatAt = this.clock.monotonicMs();
    this.others = runners.filter((member) => member.incarnation !== incarnation).map(wantedOf);
    const alive = runners.map((member) => member.incarnation);
    this.rankNow = rankAmong(incarnation, alive);
    const owned = new Set(ownedPartitions(incarnation, alive, partitions));
    if (!sameSet(owned, this.owned)) {
      this.log.info('Partitions were assigned', { runners: runners.length, partitions: [...owned] });
    }
    this.owned = owned;
    return owned;
  }

  /** Deletes the rows of those that are silent for so long that nothing can depend on them. */
  async forgetSilent(): Promise<void> {
    await this.members.forget(2 * rememberedMs);
  }

  /** Executors that have beaten within the last day, dead ones included, with the age of their beat by the database. */
  async rememberedExecutors(): Promise<readonly Member[]> {
    return (await this.members.live(rememberedMs)).filter((member) => member.kind === 'executor');
  }

  async leave(): Promise<void> {
    this.owned = new Set();
    try {
      await this.members.leave(this.options.incarnation);
    } finally {
      await this.lock?.release();
    }
  }

  private get lockName(): string {
    return `runner/${this.options.incarnation}`;
  }

  /**
   * Before the beat that names it: whoever reads the row finds the lock held. Where another session has it, that is our
   * own lost one, which the database has not missed yet: it speaks for us until then, and the next beat tries again.
   */
  private async holdLock(): Promise<void> {
    if (this.lock?.lost.aborted === false) return;
    this.lock = await this.locks.tryAcquire(this.lockName);
  }
}

function wantedOf(member: Member): WantedByPool {
  const parsed: unknown = JSON.parse(member.wanted);
  if (typeof parsed !== 'object' || parsed === null) return {};
  return Object.fromEntries(
    Object.entries(parsed).filter((entry): entry is [string, number] => typeof entry[1] === 'number'),
  );
}

function sameSet(left: ReadonlySet<number>, right: ReadonlySet<number>): boolean {
  return left.size === right.size && [...left].every((item) => right.has(item));
}
