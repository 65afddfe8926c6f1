import { z } from 'zod';
import { actionManifestSchema, ioDeclarationSchema } from './action-manifest';
import { messageSchemas, outwardEventSchema } from './envelope';
import { EVENT_SCHEMA, eventSchemas } from './events';
import { failureSchema, faultSchema } from './failure';
import { jsonValueSchema, parsedJsonObjectSchema, type JsonObject } from './json';
import { outcomeSchema, rejectionSchema } from './messages';
import { queries } from './queries';

/** JSON Schemas (draft 7) by name; they refer to each other as `#/components/schemas/<name>`. */
export type JsonSchemas = Readonly<Record<string, JsonObject>>;

export const schemaReference = (name: string): JsonObject => ({ $ref: `#/components/schemas/${name}` });

/** Parts that several messages share, named so that they stand once in the document. */
const parts = {
  JsonValue: jsonValueSchema,
  ActionManifest: actionManifestSchema,
  Failure: failureSchema,
  Fault: faultSchema,
  IoDeclaration: ioDeclarationSchema,
  Outcome: outcomeSchema,
  Rejection: rejectionSchema,
} as const;

/** What a consumer of `ryax.events` gets, by the type of the event. */
export const eventNames: readonly string[] = Object.keys(eventSchemas).map((type) => `event.${type}`);
export const queryNames: readonly string[] = Object.keys(queries).map((name) => `query.${name}`);

/** Every schema of the contracts by its name: shared parts, message types, outward events, questions and answers. */
export function jsonSchemas(): JsonSchemas {
  const registry = z.registry<{ id: string }>();
  for (const [name, schema] of namedSchemas()) registry.add(schema, { id: name });
  const { schemas } = z.toJSONSchema(registry, {
    target: 'draft-7',
    io: 'input',
    uri: (id) => `#/components/schemas/${id}`,
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema }) => {
      if (zodSchema === parsedJsonObjectSchema) jsonSchema.type = 'object';
    },
  });
  return Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [name, plain(schema)]));
}

/** One object may stand for several names, but has one name in the registry: each further name gets a copy. */
function* namedSchemas(): Iterable<readonly [string, z.ZodType]> {
  const seen = new Set<z.ZodType>();
  for (const [name, schema] of allSchemas()) {
    yield [name, seen.has(schema) ? z.clone(schema) : schema];
    seen.add(schema);
  }
}

function* allSchemas(): Iterable<readonly [string, z.ZodType]> {
  yield* Object.entries(parts);
  yield* Object.entries(messageSchemas).filter(([type]) => type !== 'event' && type !== 'query');
  for (const [type, data] of Object.entries(eventSchemas)) {
    const schema = outwardEventSchema.extend({ type: z.literal(type), schema: z.literal(EVENT_SCHEMA), data });
    yield [`event.${type}`, schema];
  }
  for (const [name, { parameters, answer }] of Object.entries(queries)) {
    yield [`query.${name}`, z.strictObject({ name: z.literal(name), parameters })];
    yield [`answer.${name}`, answer];
  }
}

/** As plain JSON, without the marks of a document of its own. */
function plain(schema: unknown): JsonObject {
  const { $schema: _schema, $id: _id, ...rest } = parsedJsonObjectSchema.parse(JSON.parse(JSON.stringify(schema)));
  return rest;
}
