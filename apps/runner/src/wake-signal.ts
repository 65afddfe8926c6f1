import { setTimeout as rest } from 'node:timers/promises';
import type { Broker } from '@ryax/broker';
import { exchanges } from '@ryax/contracts';
import type { IdSource, Log } from '@ryax/platform';

/** After a wake. Readers rest for longer than that after a page, so that one for each commit would only cost. */
const restMs = 10;

/**
 * Tells readers of the log that it has grown. A hint: transient, and coalesced, so that a busy runner sends one at a time
 * and few a second, however many commits there were; whoever misses it looks a moment later by itself.
 */
export class WakeSignal {
  private latest = 0;
  private sending = false;

  constructor(
    private readonly broker: Broker,
    private readonly ids: IdSource,
    private readonly log: Log,
  ) {}

  grew(position: number): void {
    this.latest = Math.max(this.latest, position);
    if (!this.sending) void this.send();
  }

  private async send(): Promise<void> {
    this.sending = true;
    let sent = 0;
    try {
      while (sent < this.latest) {
        sent = this.latest;
        const message = {
          id: this.ids.newId(),
          type: 'log.wake',
          source: 'runner',
          project: 'default',
          data: { position: sent },
        } as const;
        await this.broker.publish({ exchange: exchanges.wakes.name, routingKey: '' }, [message], { persistent: false });
        await rest(restMs, undefined, { ref: false });
      }
    } catch (error) {
      this.log.debug('Readers of the log were not woken', { error });
    } finally {
      this.sending = false;
    }
  }
}
