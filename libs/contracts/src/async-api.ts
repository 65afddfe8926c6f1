import { channelList, type ChannelDescription, type ChannelName } from './async-api-channels';
import { eventNames, jsonSchemas, queryNames, schemaReference } from './async-api-schemas';
import { cloudEventType, MESSAGE_VERSION, type MessageType } from './envelope';
import type { JsonObject } from './json';
import { exchanges } from './routing';

/** The AsyncAPI document of everything that flows over the broker: `docs/asyncapi.json`. */
export function asyncApiDocument(): JsonObject {
  return {
    asyncapi: '3.1.0',
    info: {
      title: 'Ryax Runner',
      version: String(MESSAGE_VERSION),
      description: [
        'Messages of the Ryax workflow engine over RabbitMQ, as CloudEvents 1.0 in binary mode: attributes in headers,',
        'data as the JSON body. Several messages may travel as one `application/cloudevents-batch+json`. Channels tagged',
        '`internal` are between the engine’s own services. Made by scripts/generate-docs.mjs; see also messages.md.',
      ].join(' '),
      license: { name: 'Apache-2.0' },
    },
    defaultContentType: 'application/json',
    channels: Object.fromEntries(channelList.map(([name, channel]) => [name, describeChannel(channel)])),
    operations: Object.fromEntries(channelList.flatMap(([name, channel]) => operationsOf(name, channel))),
    components: {
      messages: Object.fromEntries(
        channelList.flatMap(([, { messages }]) =>
          messages.flatMap(namesOf).map((each) => [each, describeMessage(each)]),
        ),
      ),
      schemas: { CloudEventHeaders: cloudEventHeaders, ...jsonSchemas() },
    },
  };
}

/** An outward event and a question have one type on the wire, and one description for each of their shapes. */
function namesOf(type: MessageType): readonly string[] {
  switch (type) {
    case 'event':
      return eventNames;
    case 'query':
      return queryNames;
    default:
      return [type];
  }
}

function typeOf(name: string): string {
  if (name.startsWith('event.')) return cloudEventType('event');
  return name.startsWith('query.') && name !== 'query.reply'
    ? cloudEventType('query')
    : `tech.ryax.${name}.v${MESSAGE_VERSION}`;
}

function describeChannel({
  exchange,
  address,
  audience,
  summary,
  readBy,
  promise,
  messages,
}: ChannelDescription): JsonObject {
  const names = [...(address ?? '').matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name);
  const parameters: JsonObject = {};
  for (const name of names) parameters[name] = {};
  return {
    address,
    summary,
    description: `Read by ${readBy}. ${promise}`,
    ...(names.length > 0 ? { parameters } : {}),
    messages: Object.fromEntries(
      messages.flatMap(namesOf).map((name) => [name, { $ref: `#/components/messages/${name}` }]),
    ),
    tags: [{ name: audience }],
    bindings: { amqp: bindingOf(exchange) },
  };
}

function bindingOf(exchange: ChannelDescription['exchange']): JsonObject {
  const declared = Object.values(exchanges).find(({ name }) => name === exchange);
  const { type, durable } = declared ? { type: declared.type, durable: true } : { type: 'default', durable: true };
  return {
    is: 'routingKey',
    exchange: { name: exchange, type, durable, autoDelete: false, vhost: '/' },
    bindingVersion: '0.3.0',
  };
}

/** From the engine's point of view: what is internal it both sends and receives. */
function operationsOf(name: string, { audience, summary }: ChannelDescription): [string, JsonObject][] {
  const channel = { $ref: `#/channels/${name}` };
  const reply = replyOf(name);
  const receive: [string, JsonObject] = [`receive.${name}`, { action: 'receive', channel, summary, ...reply }];
  const send: [string, JsonObject] = [`send.${name}`, { action: 'send', channel, summary, ...reply }];
  switch (audience) {
    case 'inward':
      return [receive];
    case 'outward':
      return [send];
    case 'internal':
      return [send, receive];
    default:
      return audience satisfies never;
  }
}

/** Which reply answers what is asked for over a channel. */
const replies: Readonly<Partial<Record<ChannelName, MessageType>>> = {
  commands: 'command.reply',
  runner: 'command.reply',
  questions: 'query.reply',
};

function replyOf(name: string): JsonObject {
  const [, reply] = Object.entries(replies).find(([channel]) => channel === name) ?? [];
  if (reply === undefined) return {};
  return {
    reply: {
      address: { location: '$message.header#/replyTo', description: 'AMQP property reply-to' },
      channel: { $ref: '#/channels/replies' satisfies `#/channels/${ChannelName}` },
      messages: [{ $ref: `#/channels/replies/messages/${reply}` }],
    },
  };
}

function describeMessage(name: string): JsonObject {
  return {
    name: typeOf(name),
    title: name,
    contentType: 'application/json',
    headers: schemaReference('CloudEventHeaders'),
    payload: schemaReference(name),
    bindings: { amqp: { messageType: typeOf(name), bindingVersion: '0.3.0' } },
  };
}

const cloudEventHeaders: JsonObject = {
  type: 'object',
  required: ['cloudEvents:specversion', 'cloudEvents:id', 'cloudEvents:type', 'cloudEvents:source'],
  properties: {
    'cloudEvents:specversion': { const: '1.0' },
    'cloudEvents:id': { type: 'string', minLength: 1, description: 'Unique for its source; a repeat has the same.' },
    'cloudEvents:type': { type: 'string', description: 'tech.ryax.<message>.v<version>' },
    'cloudEvents:source': { type: 'string', minLength: 1 },
    'cloudEvents:subject': { type: 'string', description: 'The stream that it concerns.' },
    'cloudEvents:time': { type: 'string', format: 'date-time' },
    'cloudEvents:project': { type: 'string', minLength: 1, description: '`default` where it is not given.' },
    traceparent: { type: 'string', description: 'W3C trace context.' },
  },
};
