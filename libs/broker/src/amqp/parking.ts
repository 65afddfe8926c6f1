import { exchanges } from '@ryax/contracts';
import type { Target } from '../broker';
import type { Wire } from '../cloud-events/wire';
import { PublishError, UnroutableError } from '../errors';
import type { Publisher } from './publisher';
import { parkHeaders } from './wire-properties';

/**
 * Of the headers that are left, as JSON. The library encodes 64 KiB at most, and of numbers and short values more than
 * twice as many bytes as their JSON has.
 */
export const keptHeaderBytes = 16 * 1024;
const shownNames = 5;

/** Why a message is parked, and where it comes from. */
export interface Parked {
  readonly reason: string;
  readonly queue: string;
  readonly tries: number;
  readonly exchange: string;
  readonly routingKey: string;
}

export interface ParkingHost {
  readonly publisher: Publisher;
  /** `ryax.dead` is gone. */
  readonly declareDead: () => Promise<void>;
}

/**
 * Resolves when `ryax.dead` has the message; rejects when it may not. If somebody has deleted the queue, it is declared again;
 * if the headers leave no room for ours, the largest are left out.
 */
export async function park(host: ParkingHost, wire: Wire, parked: Parked): Promise<void> {
  const target: Target = { exchange: exchanges.dead.name, routingKey: parked.routingKey };
  try {
    await sendToDead(host, target, markedWith(wire, parked));
  } catch (error) {
    if (!(error instanceof PublishError) || error.reason !== 'unencodable') throw error;
    const { headers, left } = cutHeaders(wire.headers);
    const reason = `${parked.reason} (headers left out, as they are too large: ${left})`;
    await sendToDead(host, target, markedWith({ ...wire, headers }, { ...parked, reason }));
  }
}

async function sendToDead({ publisher, declareDead }: ParkingHost, target: Target, wire: Wire): Promise<void> {
  try {
    await publisher.publish(target, wire, { mandatory: true });
  } catch (error) {
    if (!(error instanceof UnroutableError)) throw error;
    await declareDead();
    await publisher.publish(target, wire, { mandatory: true });
  }
}

function markedWith(wire: Wire, { reason, queue, tries, exchange, routingKey }: Parked): Wire {
  const marks = {
    [parkHeaders.reason]: reason,
    [parkHeaders.queue]: queue,
    [parkHeaders.tries]: tries,
    [parkHeaders.exchange]: exchange,
    [parkHeaders.routingKey]: routingKey,
  };
  return { ...wire, headers: { ...wire.headers, ...marks } };
}

/** Without the largest; `left` names them, as far as there is room for it. */
export function cutHeaders(headers: Wire['headers']): { readonly headers: Wire['headers']; readonly left: string } {
  const sizes = Object.entries(headers).map(([name, value]) => ({ name, bytes: jsonBytes({ [name]: value }) }));
  let total = sizes.reduce((sum, { bytes }) => sum + bytes, 0);
  const left: string[] = [];
  for (const { name, bytes } of sizes.sort((one, other) => other.bytes - one.bytes)) {
    if (total <= keptHeaderBytes) break;
    total -= bytes;
    left.push(name);
  }
  const kept = Object.fromEntries(Object.entries(headers).filter(([name]) => !left.includes(name)));
  const more = left.length > shownNames ? ` and ${left.length - shownNames} more` : '';
  return { headers: kept, left: left.slice(0, shownNames).join(', ') + more };
}

function jsonBytes(value: object): number {
  return Buffer.byteLength(JSON.stringify(value));
}
