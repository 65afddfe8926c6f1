import type { Broker, Delivery } from '@ryax/broker';
import {
  exchanges,
  routingKeys,
  type Beat,
  type DataOf,
  type Message,
  type MessageType,
  type PoolKind,
} from '@ryax/contracts';
import type { Member, Members } from '@ryax/event-log';
import type { Clock, IdSource, Log } from '@ryax/platform';
import type { ExecutorRegistry } from './executors';
import { rememberedMs } from './membership';

/**
 * Hears every executor's beat, each on a transient queue of our own: writes it down, and answers it with the executor's own
 * clock reading and who else lives at its site. Only an answered executor may spawn.
 */
export class ExecutorBeats {
  constructor(
    private readonly broker: Broker,
    private readonly members: Pick<Members, 'beat' | 'live'>,
    private readonly executors: ExecutorRegistry,
    private readonly clock: Clock,
    private readonly ids: IdSource,
    private readonly log: Log,
    private readonly options: { readonly incarnation: string },
    private readonly onCapacity: () => void,
  ) {}

  get queue(): string {
    return `ryax.runner.beats.${this.options.incarnation}`;
  }

  async start(): Promise<() => Promise<void>> {
    for (const member of await this.members.live(presumedAliveMs)) {
      if (member.kind === 'executor') this.executors.presume(presumedExecutor(member));
    }
    for (const { site, keepsWork } of await this.members.live(rememberedMs)) {
      if (keepsWork) this.executors.rememberKept(site);
    }
    const silent = (await this.members.live(silentMs)).filter(({ kind }) => kind === 'executor').map(presumedExecutor);
    this.executors.rememberPools(silent.filter(({ incarnation }) => this.executors.siteOf(incarnation) === undefined));
    const bindings = [{ exchange: exchanges.executions.name, routingKey: routingKeys.beat }];
    await this.broker.declare([{ name: this.queue, kind: 'own', bindings }]);
    const subscription = await this.broker.consume(this.queue, { prefetch: 100, maxBatch: 100 }, (batch) =>
      this.receive(batch),
    );
    return () => subscription.stop();
  }

  private async receive(batch: readonly Delivery[]): Promise<void> {
    for (const delivery of batch) {
      const { message } = delivery;
      if (isType(message, 'runner.beat')) {
        if (message.data.incarnation === this.options.incarnation) this.executors.heardSelf(this.clock.monotonicMs());
      } else if (isType(message, 'executor.traits')) {
        this.executors.heardTraits(message.data);
      } else if (isType(message, 'executor.pools')) {
        this.executors.heardPools(message.data);
      } else if (isType(message, 'executor.beat')) {
        await this.answer(message.data);
      }
      delivery.ack();
    }
  }

  /** A beat is worth something only once it is a row: unwritten, it is not answered, and the executor spawns nothing. */
  private async answer(beat: Beat): Promise<void> {
    try {
      await this.members.beat({
        id: beat.executor,
        incarnation: beat.incarnation,
        kind: 'executor',
        site: beat.site,
        pools: JSON.stringify(beat.pools),
        poolKinds: JSON.stringify(this.executors.kindsOf(beat.incarnation)),
        wanted: '{}',
        schemaMax: beat.schema_max,
        lock: null,
        keepsWork: this.executors.isKeeping(beat.incarnation),
        sent: beat.sent,
      });
      this.executors.heard(beat);
      this.onCapacity();
      const incarnations = this.executors.alive(beat.site).map((executor) => executor.incarnation);
      await this.broker.publish(
        { exchange: exchanges.executions.name, routingKey: routingKeys.executor(beat.incarnation) },
        [
          {
            id: this.ids.newId(),
            type: 'executor.beat-answer',
            source: 'runner',
            project: 'default',
            data: { sent: beat.sent, incarnations },
          },
        ],
        { persistent: false },
      );
    } catch (error) {
      this.log.warn('A beat was not answered', { executor: beat.executor, incarnation: beat.incarnation, error });
    }
  }
}

/** Executors whose last row is younger may come back, and their pools with them: what those could run does not fail for now. */
const silentMs = 600_000;

/** Executors whose last row is younger may well be alive when we start. */
const presumedAliveMs = 60_000;

function presumedExecutor(member: Member) {
  return {
    executor: member.id,
    incarnation: member.incarnation,
    site: member.site,
    pools: JSON.parse(member.pools) as Beat['pools'],
    kinds: JSON.parse(member.poolKinds) as PoolKind[],
    keepsWork: member.keepsWork,
  };
}

function isType<T extends MessageType>(message: Message, type: T): message is Message<DataOf<T>> {
  return message.type === type;
}
