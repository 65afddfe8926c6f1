import type { Broker } from '@ryax/broker';
import {
  EVENT_SCHEMA,
  exchanges,
  routingKeys,
  type Beat,
  type ExecutorPools,
  type Message,
  type PoolKind,
  type Traits,
} from '@ryax/contracts';
import type { Clock, Log } from '@ryax/platform';
import type { Attempts } from './attempts';
import type { Envelopes } from './envelope';
import type { Reporter } from './reports';
import type { ExecutorSettings } from './settings';

/**
 * Says each second that we live and what our pool has free, and before it what kind of executor we are, where that is not the usual
 * one, and what our pool is like, where we know it. Nobody keeps a beat for us: a lost one is lost.
 */
export class Heartbeat {
  private underway = false;

  constructor(
    private readonly broker: Broker,
    private readonly attempts: Attempts,
    private readonly reporter: Reporter,
    private readonly settings: ExecutorSettings,
    /** What we run goes on when we die, and whoever is at our site then answers for it. */
    private readonly keepsWork: boolean,
    private readonly clock: Clock,
    private readonly envelopes: Envelopes,
    private readonly log: Log,
  ) {}

  /** Skipped while the one before has not left: beats must not pile up behind a broker that takes nothing. */
  async beat(): Promise<void> {
    if (this.underway) return;
    this.underway = true;
    try {
      await this.broker.publish(
        { exchange: exchanges.executions.name, routingKey: routingKeys.beat },
        this.messages(),
        { persistent: false },
      );
    } catch (error) {
      this.log.debug('A beat was not published', { error });
    } finally {
      this.underway = false;
    }
  }

  /** Published together, so that no runner takes a beat for that of another kind of executor. */
  private messages(): readonly [Message, ...Message[]] {
    const beat = this.envelopes.ofOurselves('executor.beat', this.content());
    const { poolKind } = this.settings;
    const before = [
      ...(this.keepsWork ? [this.envelopes.ofOurselves('executor.traits', this.traits())] : []),
      ...(poolKind === undefined ? [] : [this.envelopes.ofOurselves('executor.pools', this.pools(poolKind))]),
    ];
    const [first, ...rest] = [...before, beat];
    return first === undefined ? [beat] : [first, ...rest];
  }

  private pools(kind: Omit<PoolKind, 'name'>): ExecutorPools {
    const { site, pool: name } = this.settings;
    return { ...this.reporter, site, pools: [{ name, ...kind }] };
  }

  private traits(): Traits {
    return { ...this.reporter, site: this.settings.site, keeps_work: this.keepsWork };
  }

  private content(): Beat {
    const { site, pool: name } = this.settings;
    return {
      ...this.reporter,
      site,
      pools: [{ name, ...this.attempts.offered, free: this.attempts.free }],
      sent: this.clock.monotonicMs(),
      schema_max: EVENT_SCHEMA,
    };
  }
}
