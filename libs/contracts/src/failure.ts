import { z } from 'zod';
import { parsedJsonSchema } from './json';

/**
 * Why an attempt failed. Policy depends on it:
 *
 * | kind | meaning | counts against |
 * |---|---|---|
 * | user | the action said no (`RyaxException`): code and message pass through to the caller; never retried | – |
 * | crash | any other exception, or a non-zero exit | the user's retry budget |
 * | timeout | the attempt's time limit passed | the user's retry budget |
 * | out-of-memory | killed for its memory | the user's retry budget |
 * | image | the image or the action's content cannot be had | few attempts of its own, of the infrastructure's budget |
 * | rejected | can never run here: quota, invalid, larger than the pool | not retried |
 * | lost | node, pod or executor gone | the infrastructure budget |
 * | invalid | an expression, an input or an output does not fit its declaration; never retried | – |
 */
export const failureKindSchema = z.enum([
  'user',
  'crash',
  'timeout',
  'out-of-memory',
  'image',
  'rejected',
  'lost',
  'invalid',
]);
export type FailureKind = z.infer<typeof failureKindSchema>;

export const failureSchema = z.strictObject({
  kind: failureKindSchema,
  message: z.string(),
  /** Set by the action (`RyaxException.code`), or the exit status of a command. */
  code: z.union([z.int(), z.string()]).optional(),
  /** What helps to act: the name of the output, the limit, the cluster's reason. */
  details: z.record(z.string(), parsedJsonSchema).optional(),
});
export type Failure = z.infer<typeof failureSchema>;

/** One thing that is wrong in what a caller sent, at a path such as `spec.actions[2].inputs.region`. */
export const faultSchema = z.strictObject({ path: z.string(), reason: z.string() });
export type Fault = z.infer<typeof faultSchema>;
