import type { ConsumeMessage } from 'amqplib';
import type { Wire } from '../cloud-events/wire';

/** Why and where from, on what is parked; and the count of failed tries, on what is put aside. */
export const parkHeaders = {
  reason: 'x-ryax-reason',
  queue: 'x-ryax-queue',
  tries: 'x-ryax-tries',
  exchange: 'x-ryax-exchange',
  routingKey: 'x-ryax-routing-key',
} as const;

export function wireOf({ properties, content }: Pick<ConsumeMessage, 'properties' | 'content'>): Wire {
  return { contentType: String(properties.contentType ?? ''), headers: properties.headers ?? {}, content };
}

export function triesOf({ headers }: Wire): number {
  const tries = headers[parkHeaders.tries];
  return typeof tries === 'number' && tries > 0 ? tries : 0;
}

export function textOf(property: unknown): string | undefined {
  return typeof property === 'string' ? property : undefined;
}
