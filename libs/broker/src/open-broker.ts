import type { Log } from '@ryax/platform';
import { AmqpBroker } from './amqp/amqp-broker';
import type { Broker } from './broker';
import { InMemoryBroker } from './memory/in-memory-broker';
import { InMemoryServer } from './memory/in-memory-server';

export interface BrokerOptions {
  /** `amqp://user:password@host:port/vhost`, `amqps://…`, or `memory://` for one process without a server. */
  readonly url: string;
  /** Whose connection it is, as the broker's operator sees it. */
  readonly name: string;
  readonly log: Log;
  /** For `memory://`: what the brokers of one process share in order to reach each other; a new one when not given. */
  readonly server?: InMemoryServer;
}

/** A broker for that url; it connects in the background and is closed by whoever opened it. */
export function openBroker({ url, name, log, server }: BrokerOptions): Broker {
  if (url.startsWith('memory:')) return new InMemoryBroker({ server: server ?? new InMemoryServer(), log });
  return new AmqpBroker({ url, name, log });
}
