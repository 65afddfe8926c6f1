import type { Broker } from '@ryax/broker';
import { EVENT_SCHEMA, exchanges, routingKeys } from '@ryax/contracts';
import type { Member, Members } from '@ryax/event-log';
import type { Clock, IdSource, Log } from '@ryax/platform';
import { ownedPartitions } from './partitions';

/** Long enough to find executors that died before we started: they may have taken what nobody else knows of. */
const rememberedMs = 24 * 60 * 60 * 1000;

export interface MembershipOptions {
  readonly incarnation: string;
  readonly partitions: number;
  readonly patienceMs: number;
}

/** What other runners that live have to hand out, by pool. */
export type WantedByPool = Readonly<Record<string, number>>;

/**
 * This runner among the live ones: a row with a heartbeat. A beat is written only while database and broker answer, so a
 * runner that cannot work gives up its partitions to those that can.
 */
export class Membership {
  private owned: ReadonlySet<number> = new Set();
  private others: readonly WantedByPool[] = [];
  private lastBeatAt: number;

  constructor(
    private readonly members: Members,
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
    await this.members.beat({
      id: incarnation,
      incarnation,
      kind: 'runner',
      site: '',
      pools: '[]',
      wanted: JSON.stringify(wanted),
      schemaMax: EVENT_SCHEMA,
      sent,
    });
    const runners = (await this.members.live(patienceMs)).filter((member) => member.kind === 'runner');
    this.lastBeatAt = this.clock.monotonicMs();
    this.others = runners.filter((member) => member.incarnation !== incarnation).map(wantedOf);
    const owned = new Set(
      ownedPartitions(
        incarnation,
        runners.map((member) => member.incarnation),
        partitions,
      ),
    );
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
    await this.members.leave(this.options.incarnation);
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
