import { idempotencyKeySchema, limits, type Fault } from '@ryax/contracts';
import { z } from 'zod';
import { InvalidRequestError } from '../errors';
import { readAs, runBody } from './run-request';
import type { RunRequest } from './runs.service';

const batchItem = z.strictObject({ ...runBody.shape, idempotency_key: idempotencyKeySchema.optional() });

const keyed = z.object({ idempotency_key: idempotencyKeySchema });

/** Read one by one, by {@link readItem}, so that a wrong one spoils no other; the OpenAPI document shows what is read. */
const anyItem = z.unknown().meta(z.toJSONSchema(batchItem, { io: 'input', target: 'openapi-3.0' }));

export const batchBody = z.strictObject({
  runs: z
    .array(anyItem)
    .min(1, 'expected at least one run')
    .max(limits.runsPerBatch, `expected at most ${limits.runsPerBatch} runs (runsPerBatch)`),
});

/** Room in a key for what makes it an item's: `:<index>`. */
const longestSuffix = `:${limits.runsPerBatch - 1}`.length;
const longestBatchKey = 256 - longestSuffix;

/** The `Idempotency-Key` header of a batch: shorter than a run's by what makes it each item's. */
export function batchKey(header: string | undefined): string | undefined {
  if (header === undefined || (header.length > 0 && header.length <= longestBatchKey)) return header;
  throw new InvalidRequestError('Invalid header', [
    { path: 'Idempotency-Key', reason: `expected 1 to ${longestBatchKey} characters` },
  ]);
}

/**
 * One run of a batch. An item without a key of its own has one made of the batch's and its index, a plain text, so that
 * it can also be asked for alone.
 *
 * @throws InvalidRequestError with paths inside the item
 */
export function readItem(item: unknown, index: number, key: string | undefined): RunRequest {
  const { inputs, labels, idempotency_key: own } = readAs(batchItem, item);
  return { inputs, labels, key: own ?? (key === undefined ? undefined : `${key}:${index}`) };
}

/** Whether one of them may be the repeat of an earlier one. */
export function isAnyKeyed(items: readonly unknown[], key: string | undefined): boolean {
  return key !== undefined || items.some((item) => keyed.safeParse(item).success);
}

/** A fault of one item, at its place in the whole body: `runs[3].inputs.name`. */
export function faultInBatch({ path, reason }: Fault, index: number): Fault {
  return { path: path === '' ? `runs[${index}]` : `runs[${index}].${path}`, reason };
}
