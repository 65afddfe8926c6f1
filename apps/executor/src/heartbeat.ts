import type { Broker } from '@ryax/broker';
import { EVENT_SCHEMA, exchanges, routingKeys, type Beat, type Message, type Traits } from '@ryax/contracts';
import type { Clock, Log } from '@ryax/platform';
import type { Attempts } from './attempts';
import type { Envelopes } from './envelope';
import type { Reporter } from './reports';
import type { ExecutorSettings } from './settings';

/**
 * Says each second that we live and what our pool has free, and before it what kind of executor we are, where that is not the usual
 * one. Nobody keeps a beat for us: a lost one is lost.
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
    if (!this.keepsWork) return [beat];
    return [this.envelopes.ofOurselves('executor.traits', this.traits()), beat];
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
