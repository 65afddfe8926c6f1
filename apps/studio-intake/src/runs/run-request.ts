import { idempotencyKeySchema, jsonValueSchema, labelsSchema, limits, type JsonObject } from '@ryax/contracts';
import { z } from 'zod';
import { InvalidRequestError } from '../errors';

const inputs = z.record(z.string(), jsonValueSchema).default({});
const boundedLabels = labelsSchema
  .refine((labels) => Object.keys(labels).length <= limits.labels, `expected at most ${limits.labels} labels (labels)`)
  .default({});

export const runBody = z.strictObject({ inputs, labels: boundedLabels });
export const executionBody = z.strictObject({ definition: jsonValueSchema, inputs, labels: boundedLabels });
export const cancelBody = z.strictObject({
  reason: z.string().max(1_000).default('cancelled by request'),
  force: z.boolean().default(false),
});

export type RunBody = { readonly inputs: JsonObject; readonly labels: Record<string, string> };

/** The `Idempotency-Key` header: the same key gives the same run. */
export function idempotencyKey(header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  const parsed = idempotencyKeySchema.safeParse(header);
  if (parsed.success) return parsed.data;
  throw new InvalidRequestError('Invalid header', [
    { path: 'Idempotency-Key', reason: 'expected 1 to 256 characters' },
  ]);
}
