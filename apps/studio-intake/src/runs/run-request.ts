import { idempotencyKeySchema, labelsSchema, limits, type JsonObject, type JsonValue } from '@ryax/contracts';
import { z } from 'zod';
import { InvalidRequestError } from '../errors';

/** Nesting that every part of the engine can walk; deeper values are a mistake or an attack. */
const maxDepth = 500;

/** What a JSON parser has made is JSON: it is taken as it is, since rebuilding it would only cost time. */
const anyJson = z.unknown() as z.ZodType<JsonValue>;
const tooDeep = `expected at most ${maxDepth} levels of nesting`;
const shallowJson = anyJson.refine((value) => !isDeeperThan(value, maxDepth), tooDeep);
const inputs = z
  .record(z.string(), anyJson)
  .refine((value) => !isDeeperThan(value, maxDepth), tooDeep)
  .default({});
const boundedLabels = labelsSchema
  .refine((labels) => Object.keys(labels).length <= limits.labels, `expected at most ${limits.labels} labels (labels)`)
  .default({});

export const runBody = z.strictObject({ inputs, labels: boundedLabels });
export const executionBody = z.strictObject({ definition: shallowJson, inputs, labels: boundedLabels });
export const cancelBody = z.strictObject({
  reason: z.string().max(1_000).default('cancelled by request'),
  force: z.boolean().default(false),
});

export type RunBody = { readonly inputs: JsonObject; readonly labels: Record<string, string> };

/** Walks without recursion, since what it looks for is what recursion cannot bear. */
function isDeeperThan(value: JsonValue, levels: number): boolean {
  let level: JsonValue[] = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > levels) return true;
    level = level.flatMap((each) => (typeof each === 'object' && each !== null ? Object.values(each) : []));
  }
  return false;
}

/** The `Idempotency-Key` header: the same key gives the same run. */
export function idempotencyKey(header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  const parsed = idempotencyKeySchema.safeParse(header);
  if (parsed.success) return parsed.data;
  throw new InvalidRequestError('Invalid header', [
    { path: 'Idempotency-Key', reason: 'expected 1 to 256 characters' },
  ]);
}
