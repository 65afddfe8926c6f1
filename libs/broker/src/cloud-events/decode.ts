import {
  cloudEventType,
  limits,
  MESSAGE_VERSION,
  messageSchemas,
  type Message,
  type MessageType,
} from '@ryax/contracts';
import { messageOf } from '@ryax/platform';
import { type z } from 'zod';
import { elementsOf, isTooNested, tooNested } from '../nesting';
import { batch, single, structured, toStructured, type Wire } from './wire';

/** One message of a broker message, or why it is none; `wire` is what is parked. */
export type Item = (
  | { readonly type: 'message'; readonly message: Message }
  | { readonly type: 'malformed'; readonly reason: string; readonly wire: Wire }
) & {
  /** The request that it is, or answers: an extension attribute of the event. */
  readonly correlationId?: string | undefined;
};

/** What an outsider that knows of no projects means; see PROTOCOLS §1. */
const defaultProject = 'default';

/** Parses once, at the border; what comes out of here is trusted inside. Never throws. */
export function decode(wire: Wire): Item[] {
  try {
    return judge(wire);
  } catch (error) {
    // The AMQP library would drop the connection, be handed the same message again, and drop the next one.
    return [correlated(malformed(wire, unreadable(error)), correlationOf(wire.headers))];
  }
}

function judge(wire: Wire): Item[] {
  if (wire.content.length > limits.messageBytes) {
    return [malformed(wire, `expected at most ${limits.messageBytes} bytes, found ${wire.content.length}`)];
  }
  const contentType = wire.contentType.split(';', 1)[0]?.trim().toLowerCase();
  if (contentType !== single && contentType !== structured && contentType !== batch) {
    return [malformed(wire, `expected content type ${single}, ${structured} or ${batch}, found ${wire.contentType}`)];
  }
  const body = parseJson(wire.content);
  if (body === undefined) return [malformed(wire, 'expected JSON, found something else')];
  // Before anything that recurses sees it. As it came, since writing it again would recurse, too.
  const isDeep = isTooNested(wire.content);
  if (isDeep && contentType !== batch) return [correlated(malformed(wire, tooNested), attributesOf(wire.headers))];
  if (contentType === single) return [decodeBinary(wire, body.value)];
  if (contentType === structured) return [decodeStructured(body.value, wire)];
  if (!Array.isArray(body.value) || body.value.length === 0) return [malformed(wire, 'expected a list of events')];
  return decodeBatch(wire, body.value, isDeep);
}

/** @param isDeep whether one of them nests too deep */
function decodeBatch({ content }: Wire, events: readonly unknown[], isDeep: boolean): Item[] {
  let texts: Buffer[] | undefined;
  const textOf = (index: number) => (texts ??= elementsOf(content))[index];
  return events.map((event, index) => {
    try {
      return decodePacked(event, isDeep ? textOf(index) : undefined);
    } catch (error) {
      // Those beside it are read all the same. As it came, since writing it again may be what has failed.
      const item = malformed(eventWire(textOf(index) ?? Buffer.from('null')), unreadable(error));
      return correlatedBy(event, item);
    }
  });
}

/** The attributes of a message that may be none of ours, unjudged. */
export function saidOf({ contentType, headers, content }: Wire): Attributes {
  if (!contentType.startsWith(structured)) return attributesOf(headers);
  const event = parseJson(content)?.value;
  return typeof event === 'object' && event !== null ? (event as Attributes) : {};
}

/** The same judgement over a message that was never on a wire. */
export function checkMessage(message: Message): Item {
  const wire = structuredWire(toStructured(message));
  if (isTooNested(wire.content)) return malformed(wire, tooNested);
  const content = messageSchemas[message.type].safeParse(message.data);
  if (content.success) return { type: 'message', message: { ...message, data: content.data } };
  return malformed(wire, `${message.type}: ${describeIssues(content.error)}`);
}

function decodeBinary(wire: Wire, data: unknown): Item {
  const attributes = attributesOf(wire.headers);
  const parsed = parseEvent(attributes, data);
  return correlated(parsed.type === 'message' ? parsed : malformed(wire, parsed.reason), attributes);
}

/** @param text how it came, where one of its batch nests too deep */
function decodePacked(event: unknown, text: Buffer | undefined): Item {
  const isDeep = text !== undefined && isTooNested(text);
  const item = isDeep ? malformed(eventWire(text), tooNested) : decodeStructured(event, undefined);
  return correlatedBy(event, item);
}

function correlatedBy(event: unknown, item: Item): Item {
  return typeof event === 'object' && event !== null ? correlated(item, event as Attributes) : item;
}

function correlated(item: Item, { correlationid }: Attributes): Item {
  return typeof correlationid === 'string' ? { ...item, correlationId: correlationid } : item;
}

/** @param wire undefined for one of a batch: it is parked as a message of its own */
function decodeStructured(event: unknown, wire: Wire | undefined): Item {
  const malformedEvent = (reason: string) => malformed(wire ?? structuredWire(event), reason);
  if (typeof event !== 'object' || event === null || Array.isArray(event)) return malformedEvent('expected an event');
  const attributes = event as Attributes;
  const parsed = parseEvent(attributes, attributes['data']);
  return parsed.type === 'message' ? parsed : malformedEvent(parsed.reason);
}

type Attributes = Readonly<Record<string, unknown>>;

/** The attributes that we use; extension attributes that we do not know are left out. */
interface EventAttributes {
  readonly id: string;
  readonly name: string;
  readonly source: string;
  readonly project: string | undefined;
  readonly subject: string | undefined;
  readonly time: string | undefined;
  readonly traceparent: string | undefined;
}

/** Answers what is wrong as a text. By hand: it is on the path of every message, and a schema takes several times as long. */
function readAttributes(attributes: Attributes): EventAttributes | string {
  const { specversion, id, type: name, source, project, subject, time, traceparent } = attributes;
  if (specversion !== '1.0') return `specversion: expected 1.0, found ${shown(specversion)}`;
  if (typeof id !== 'string') return notText('id', id);
  if (typeof name !== 'string') return notText('type', name);
  if (typeof source !== 'string') return notText('source', source);
  if (!isOptionalText(project)) return notText('project', project);
  if (!isOptionalText(subject)) return notText('subject', subject);
  if (!isOptionalText(time)) return notText('time', time);
  if (!isOptionalText(traceparent)) return notText('traceparent', traceparent);
  return { id, name, source, project, subject, time, traceparent };
}

function isOptionalText(value: unknown): value is string | undefined {
  return value === undefined || typeof value === 'string';
}

function notText(attribute: string, found: unknown): string {
  return `${attribute}: expected a text, found ${shown(found)}`;
}

function shown(value: unknown): string {
  return value === undefined ? 'none' : typeof value === 'string' ? `"${value}"` : `a value of type ${typeof value}`;
}

type Parsed =
  { readonly type: 'message'; readonly message: Message } | { readonly type: 'fault'; readonly reason: string };

function parseEvent(attributes: Attributes, data: unknown): Parsed {
  const read = readAttributes(attributes);
  if (typeof read === 'string') return { type: 'fault', reason: `attributes: ${read}` };
  const { id, name, source, project = defaultProject, subject, time, traceparent } = read;
  if (id === '' || source === '' || project === '') {
    return { type: 'fault', reason: 'attributes: expected id, source and project not to be empty' };
  }
  const type = messageTypes.get(name);
  if (type === undefined) return { type: 'fault', reason: describeUnknown(name) };
  const content = messageSchemas[type].safeParse(data);
  if (!content.success) return { type: 'fault', reason: `${type}: ${describeIssues(content.error)}` };
  const message: Message = {
    id,
    type,
    source,
    project,
    ...(subject === undefined ? {} : { subject }),
    ...(time === undefined ? {} : { time }),
    ...(traceparent === undefined ? {} : { traceparent }),
    data: content.data,
  };
  return { type: 'message', message };
}

const messageTypes: ReadonlyMap<string, MessageType> = new Map(
  Object.keys(messageSchemas)
    .filter((type): type is MessageType => type in messageSchemas)
    .map((type) => [cloudEventType(type), type]),
);

function describeUnknown(name: string): string {
  const [, type, version] = /^tech\.ryax\.(.+)\.v(\d+)$/.exec(name) ?? [];
  return type !== undefined && type in messageSchemas
    ? `expected version ${MESSAGE_VERSION} of ${type}, found ${version}`
    : `expected a type of ours, found ${name}`;
}

/** Both prefixes of the AMQP binding, and the traceparent header as W3C names it. */
function attributesOf(headers: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const attributes: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (name.startsWith('cloudEvents:') || name.startsWith('cloudEvents_')) attributes[name.slice(12)] = value;
    else if (name === 'traceparent') attributes[name] = value;
  }
  return attributes;
}

/** Of all headers only this one: another may be what could not be read. */
function correlationOf(headers: Wire['headers']): Attributes {
  return { correlationid: headers['cloudEvents:correlationid'] ?? headers['cloudEvents_correlationid'] };
}

/** An item of a batch as a message of its own, so that it can be parked, looked at and replayed singly. */
function structuredWire(event: unknown): Wire {
  return eventWire(Buffer.from(JSON.stringify(event) ?? 'null'));
}

function eventWire(content: Buffer): Wire {
  return { contentType: structured, headers: {}, content };
}

function parseJson(content: Buffer): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(content.toString('utf8')) };
  } catch {
    return undefined;
  }
}

const shownIssues = 5;

function describeIssues(error: z.ZodError): string {
  const shown = error.issues
    .slice(0, shownIssues)
    .map(({ path, message }) => `${path.map(String).join('.')}: ${message}`);
  const hidden = error.issues.length - shown.length;
  return shown.join('; ') + (hidden > 0 ? `; and ${hidden} more` : '');
}

function malformed(wire: Wire, reason: string): Item {
  return { type: 'malformed', reason, wire };
}

function unreadable(error: unknown): string {
  return `expected what can be read, found what fails with: ${messageOf(error)}`;
}
