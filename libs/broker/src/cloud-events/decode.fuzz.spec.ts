import { cloudEventType, limits, messageSchemas, type MessageType } from '@ryax/contracts';
import { fuzzCases, fuzzTimeoutMs } from '@ryax/testing';
import fc from 'fast-check';
import { addressOf } from '../dead-letters';
import { decode } from './decode';
import type { Wire } from './wire';

const types = Object.keys(messageSchemas) as MessageType[];
const names = fc.oneof(
  fc.constantFrom(...types).map(cloudEventType),
  fc.constantFrom(...types).map((type) => `tech.ryax.${type}.v9`),
  fc.string(),
);

/** What AMQP can carry in a header, and what a library makes of it. */
const header = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.integer(),
  fc.double(),
  fc.boolean(),
  fc.constant(null),
  fc.uint8Array().map((bytes) => Buffer.from(bytes)),
  fc.dictionary(fc.string(), fc.string()),
  fc.array(fc.string()),
);

const data = fc.oneof(
  fc.jsonValue(),
  fc.record(
    {
      workflow_id: fc.jsonValue(),
      run_id: fc.jsonValue(),
      inputs: fc.jsonValue(),
      attempts: fc.jsonValue(),
      report: fc.constantFrom('ended', 'started', 'returned', 'none'),
      outcome: fc.jsonValue(),
      name: fc.string(),
      parameters: fc.jsonValue(),
      position: fc.oneof(fc.double(), fc.string()),
    },
    { requiredKeys: [] },
  ),
);

const event = fc.oneof(
  fc.jsonValue(),
  fc.record(
    {
      specversion: fc.constantFrom('1.0', '0.3', 1),
      id: fc.jsonValue(),
      type: names,
      source: fc.string(),
      project: fc.string(),
      data,
    },
    { requiredKeys: [] },
  ),
);

const body = fc.oneof(
  data.map((value) => Buffer.from(JSON.stringify(value) ?? '')),
  event.map((value) => Buffer.from(JSON.stringify(value) ?? '')),
  fc.array(event).map((value) => Buffer.from(JSON.stringify(value))),
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
  data.map((value) => Buffer.from((JSON.stringify(value) ?? '').slice(0, -1))),
  fc.integer({ min: 1, max: 5_000 }).map((depth) => Buffer.from('['.repeat(depth))),
  fc.integer({ min: 1, max: 20_000 }).map((depth) => Buffer.from('['.repeat(depth) + ']'.repeat(depth))),
);

const wires: fc.Arbitrary<Wire> = fc.record({
  contentType: fc.oneof(
    fc.constantFrom(
      'application/json',
      'application/json; charset=utf-8',
      'application/cloudevents+json',
      'application/cloudevents-batch+json',
      '',
    ),
    fc.string(),
  ),
  headers: fc
    .tuple(
      fc.record(
        {
          'cloudEvents:specversion': fc.constantFrom('1.0', '0.3', 1),
          'cloudEvents:id': header,
          'cloudEvents:type': names,
          'cloudEvents:source': header,
          'cloudEvents:project': header,
          'cloudEvents:subject': header,
          'x-ryax-tries': header,
          traceparent: header,
        },
        { requiredKeys: [] },
      ),
      fc.dictionary(fc.string(), header, { maxKeys: 3 }),
    )
    .map(([known, others]) => ({ ...others, ...known })),
  content: body,
});

describe('whatever comes over the wire', () => {
  it(
    'is messages that their schemas know, or is told from them with its reason and kept as it came',
    () => {
      fc.assert(
        fc.property(wires, (wire) => {
          const items = decode(wire);
          expect(items.length).toBeGreaterThan(0);
          for (const item of items) {
            if (item.type === 'message') {
              const { id, type, source, project, data: content } = item.message;
              expect([id, source, project].every((text) => typeof text === 'string' && text !== '')).toBe(true);
              expect(messageSchemas[type].safeParse(content).success).toBe(true);
            } else {
              expect(item.reason).not.toBe('');
              expect(Buffer.isBuffer(item.wire.content)).toBe(true);
              expect(typeof addressOf(item.wire)).toBe('object');
            }
          }
          expect(Object.values(addressOf(wire)).every((text) => text === null || typeof text === 'string')).toBe(true);
        }),
        { numRuns: fuzzCases(30) },
      );
    },
    fuzzTimeoutMs,
  );

  it('is not even parsed when it is larger than a message may be', () => {
    const content = Buffer.alloc(20_000_000, '[');
    const [item] = decode({ contentType: 'application/json', headers: {}, content });
    expect(item).toMatchObject({
      type: 'malformed',
      reason: `expected at most ${limits.messageBytes} bytes, found 20000000`,
    });
  });
});
