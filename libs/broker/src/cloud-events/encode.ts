import { cloudEventType, limits, type Message } from '@ryax/contracts';
import type { PublishOptions, Target } from '../broker';
import { PublishError } from '../errors';
import { batch, single, toStructured, type Wire } from './wire';

/**
 * Packs messages into as few broker messages as their size allows, in order.
 *
 * @throws PublishError `too-large` where one of them fits into none, or, to be sent once, all of them not into one
 */
export function encode(
  messages: readonly [Message, ...Message[]],
  target: Target,
  { once = false }: PublishOptions = {},
): Wire[] {
  if (messages.length === 1) return [encodeOne(messages[0], target)];
  const texts = messages.map((message) => JSON.stringify(toStructured(message)));
  const packs = packed(texts, (text) => text);
  if (once && packs.length > 1) {
    throw new PublishError('too-large', target, `found ${texts.length} messages that do not fit into one`);
  }
  return packs.map((pack) => packOf(pack, target));
}

/** Cuts a list where the texts of the next part would not fit into one message, or would be more than `most`. */
export function packed<T>(all: readonly T[], textOf: (one: T) => string, most = Infinity): T[][] {
  const packs: T[][] = [];
  let pack: T[] = [];
  let bytes = 0;
  for (const one of all) {
    const size = Buffer.byteLength(textOf(one)) + 1;
    if (pack.length === most || (pack.length > 0 && bytes + size + 1 > limits.messageBytes)) {
      packs.push(pack);
      pack = [];
      bytes = 0;
    }
    pack.push(one);
    bytes += size;
  }
  packs.push(pack);
  return packs;
}

export function encodeOne(message: Message, target: Target): Wire {
  const { id, type, source, subject, project, time, traceparent } = message;
  const headers = {
    'cloudEvents:specversion': '1.0',
    'cloudEvents:id': id,
    'cloudEvents:type': cloudEventType(type),
    'cloudEvents:source': source,
    'cloudEvents:project': project,
    ...(subject === undefined ? {} : { 'cloudEvents:subject': subject }),
    ...(time === undefined ? {} : { 'cloudEvents:time': time }),
    ...(traceparent === undefined ? {} : { traceparent }),
  };
  return { contentType: single, headers, content: bounded(Buffer.from(JSON.stringify(message.data)), target) };
}

export function packOf(texts: readonly string[], target: Target): Wire {
  return { contentType: batch, headers: {}, content: bounded(Buffer.from(`[${texts.join(',')}]`), target) };
}

function bounded(content: Buffer, target: Target): Buffer {
  if (content.length <= limits.messageBytes) return content;
  throw new PublishError('too-large', target, `found ${content.length} bytes, the limit is ${limits.messageBytes}`);
}
