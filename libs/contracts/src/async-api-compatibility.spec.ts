import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { channelList } from './async-api-channels';
import { refusals, type Schema, type Schemas } from './async-api-compatibility';
import { eventNames, jsonSchemas, queryNames } from './async-api-schemas';

const publishedPath = join(__dirname, '../published/v1.json');

/**
 * What was published must stay true: old and new versions of our services run side by side during an upgrade, and others
 * build on `ryax.commands` and `ryax.events`. What fails here needs a new version of the message beside the old one.
 */
describe('the published version of the contracts', () => {
  const published = JSON.parse(readFileSync(publishedPath, 'utf8')) as Schemas;
  const current = JSON.parse(JSON.stringify(jsonSchemas())) as Schemas;
  const names = (audience: string) =>
    channelList
      .filter(([, channel]) => channel.audience === audience)
      .flatMap(([, { messages }]) => messages)
      .flatMap((type) => (type === 'event' ? eventNames : type === 'query' ? queryNames : [type]))
      .filter((name) => name in published);
  const answers = Object.keys(published).filter((name) => name.startsWith('answer.'));

  it.each([...names('inward'), ...names('internal')])('what was written as %s can still be read', (name) => {
    expect(refusals(name, published, current)).toEqual([]);
  });

  it.each([...names('outward'), ...names('internal'), ...answers])('who reads %s as published still can', (name) => {
    expect(refusals(name, current, published)).toEqual([]);
  });
});

describe(refusals.name, () => {
  const was = z.strictObject({
    id: z.string().max(10),
    count: z.int().min(0),
    state: z.enum(['on', 'off']),
    note: z.string().optional(),
    labels: z.record(z.string(), z.string()),
    outcome: z.discriminatedUnion('status', [
      z.strictObject({ status: z.literal('done'), value: z.number() }),
      z.strictObject({ status: z.literal('failed'), reason: z.string().nullable() }),
    ]),
  });
  const shape = was.shape;

  it('finds nothing where nothing changed', () => {
    expect(between(was, was)).toEqual([]);
  });

  it.each([
    ['a new required field', was, was.extend({ owner: z.string() }), 'message.owner: the reader needs it'],
    ['a field that is required now', was, was.extend({ note: z.string() }), 'message.note: the reader needs it'],
    [
      'a removed field, to a reader that is strict',
      was,
      was.omit({ note: true }),
      'message.note: the reader does not know',
    ],
    ['a narrower type', was, was.extend({ id: z.int() }), 'message.id: the reader takes integer, not string'],
    ['a tighter bound', was, was.extend({ id: z.string().max(5) }), 'message.id: the reader takes maxLength 5'],
    [
      'a value that is gone',
      was,
      was.extend({ state: z.enum(['on']) }),
      'message.state: the reader does not know "off"',
    ],
    ['a null that is gone', z.object({ a: z.string().nullable() }), z.object({ a: z.string() }), 'message.a: '],
    [
      'an alternative that is gone',
      was,
      was.extend({ outcome: z.discriminatedUnion('status', [shape.outcome.options[0]]) }),
      'message.outcome.status: the reader does not know "failed"',
    ],
    ['a change deep inside', was, was.extend({ labels: z.record(z.string(), z.int()) }), 'message.labels.*: '],
    [
      'a pattern',
      z.object({ a: z.string() }),
      z.object({ a: z.string().regex(/^a/) }),
      'message.a: the reader takes only ^a',
    ],
  ])('finds %s', (_name, writer, reader, fault) => {
    expect(between(writer, reader).join('\n')).toContain(fault);
  });

  it.each([
    ['an optional field, to a reader that takes it', was, was.extend({ owner: z.string().optional() })],
    [
      'an unknown field, to a reader that is tolerant',
      z.object({ a: z.string(), b: z.string() }),
      z.object({ a: z.string() }),
    ],
    ['a wider type', was, was.extend({ count: z.number() })],
    ['one more value', was, was.extend({ state: z.enum(['on', 'off', 'broken']) })],
    ['a bound that is gone', was, was.extend({ id: z.string() })],
  ])('lets pass %s', (_name, writer, reader) => {
    expect(between(writer, reader)).toEqual([]);
  });

  function between(writer: z.ZodType, reader: z.ZodType): string[] {
    const schemaOf = (schema: z.ZodType) => ({
      message: z.toJSONSchema(schema, { target: 'draft-7', io: 'input' }) as Schema,
    });
    return refusals('message', schemaOf(writer), schemaOf(reader));
  }
});
