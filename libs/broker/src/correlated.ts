import type { Message } from '@ryax/contracts';
import type { Target } from './broker';
import { encodeOne, packed, packOf } from './cloud-events/encode';
import { toStructured, type Wire } from './cloud-events/wire';

/** A request, or the answer to one, with what the two have in common. */
export interface Correlated {
  readonly correlationId: string;
  readonly message: Message;
}

export interface CorrelatedWire<C extends Correlated> {
  readonly wire: Wire;
  /** For the message of the broker: that of the one in it, or of the first. */
  readonly correlationId: string;
  readonly members: readonly C[];
}

/** In one message: whoever takes it has all of them in hand at once. */
const mostInPack = 64;

/**
 * Packs requests, or answers to them, into few broker messages. Each names its request by an attribute of its own, which also
 * says that whoever asks reads answers that share a message.
 *
 * @param onUnfit told of what no message can carry, which is left out
 */
export function encodeCorrelated<C extends Correlated>(
  all: readonly C[],
  target: Target,
  onUnfit: (one: C, error: Error) => void,
): CorrelatedWire<C>[] {
  const [only, ...others] = all;
  if (only !== undefined && others.length === 0) return wireOf([only], () => encodeAlone(only, target), onUnfit);
  const written = all.flatMap((one) => {
    try {
      const text = JSON.stringify({ ...toStructured(one.message), correlationid: one.correlationId });
      return [{ one, text }];
    } catch (error) {
      onUnfit(one, asError(error));
      return [];
    }
  });
  return packed(written, ({ text }) => text, mostInPack).flatMap((pack) => {
    const texts = pack.map(({ text }) => text);
    const members = pack.map(({ one }) => one);
    return wireOf(members, () => packOf(texts, target), onUnfit);
  });
}

/** One alone, in the mode that everybody who speaks AMQP reads. */
function encodeAlone({ message, correlationId }: Correlated, target: Target): Wire {
  const wire = encodeOne(message, target);
  return { ...wire, headers: { ...wire.headers, 'cloudEvents:correlationid': correlationId } };
}

function wireOf<C extends Correlated>(
  members: readonly C[],
  encode: () => Wire,
  onUnfit: (one: C, error: Error) => void,
): CorrelatedWire<C>[] {
  const [first] = members;
  if (first === undefined) return [];
  try {
    return [{ wire: encode(), correlationId: first.correlationId, members }];
  } catch (error) {
    for (const one of members) onUnfit(one, asError(error));
    return [];
  }
}

/** What is thrown by `JSON.stringify` for a value that has no text, and by the bound on a message. */
function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
