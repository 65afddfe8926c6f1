import type { Broker, Subscription, Target } from '@ryax/broker';
import { queues, routingKeys } from '@ryax/contracts';

/** What goes wrong between one executor and the broker, while the connection itself stands. */
export class ExecutorLink {
  /** Its beats get lost, and nothing else. */
  isSilent = false;
  /** It takes no starts: they stay in its queue. Set before it opens, ended by {@link takeStarts}. */
  holdsStarts = false;
  private consumeStarts: (() => unknown) | undefined;

  over(broker: Broker, incarnation: string): Broker {
    return new Proxy(broker, {
      get: (on, key) => {
        const member: unknown = Reflect.get(on, key);
        if (typeof member !== 'function') return member;
        return (...values: unknown[]): unknown => {
          const call = () => Reflect.apply(member, on, values) as unknown;
          if (key === 'publish' && this.isSilent && isBeat(values[0] as Target)) return Promise.resolve();
          if (key !== 'consume' || !this.holdsStarts || values[0] !== queues.starts(incarnation)) return call();
          this.consumeStarts = call;
          return Promise.resolve<Subscription>({ stop: () => Promise.resolve() });
        };
      },
    });
  }

  async takeStarts(): Promise<void> {
    await this.consumeStarts?.();
  }
}

function isBeat({ routingKey }: Target): boolean {
  return routingKey === routingKeys.beat;
}
