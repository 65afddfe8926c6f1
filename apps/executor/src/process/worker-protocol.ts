import { z } from 'zod';
import { parsedJsonObjectSchema, type JsonObject } from '@ryax/contracts';

/** What `runtimes/python3/worker.py` and `runtimes/nodejs/worker.cjs` are told and what they answer; see there. */
export interface CallCommand extends HandedOver {
  readonly call: number;
  readonly marker: string;
}

/** What one call is about. */
export interface HandedOver {
  readonly inputs: JsonObject;
  /** Variables of the environment that tell this call from others. */
  readonly env: Readonly<Record<string, string>>;
}

const raisedSchema = z.object({
  kind: z.enum(['user', 'crash']),
  message: z.string(),
  code: z.union([z.int(), z.string()]).optional(),
  missing_module: z.string().optional(),
});

/** A worker that says `last` takes no more calls; without a call it says so between two. */
const replySchema = z.object({
  call: z.int().optional(),
  last: z.literal(true).optional(),
  cwd: z.string().optional(),
  outputs: parsedJsonObjectSchema.optional(),
  refused: z.object({ message: z.string(), output: z.string().optional() }).optional(),
  raised: raisedSchema.optional(),
});

export type WorkerAnswer =
  | { readonly type: 'returned'; readonly outputs: JsonObject; readonly workingDirectory: string }
  | { readonly type: 'refused'; readonly message: string; readonly output: string | undefined }
  | { readonly type: 'raised'; readonly raised: z.infer<typeof raisedSchema> };

export interface WorkerReply {
  readonly call: number | undefined;
  readonly isLast: boolean;
  /** Undefined in a farewell between two calls. */
  readonly answer: WorkerAnswer | undefined;
}

export function encodeCommand(command: CallCommand): string {
  return `${JSON.stringify(command)}\n`;
}

/** Throws when the line is no reply: only a handler that writes to our descriptor can cause that. */
export function decodeReply(line: string): WorkerReply {
  const { call, last, cwd, outputs, refused, raised } = replySchema.parse(JSON.parse(line));
  return { call, isLast: last === true, answer: answerOf() };

  function answerOf(): WorkerAnswer | undefined {
    if (outputs !== undefined) return { type: 'returned', outputs, workingDirectory: cwd ?? '/' };
    if (refused !== undefined) return { type: 'refused', message: refused.message, output: refused.output };
    if (raised !== undefined) return { type: 'raised', raised };
    return undefined;
  }
}
