import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { ioNameSchema, ioTypeSchema, jsonValueSchema, limits, type IoDeclaration } from '@ryax/contracts';
import { codeOf, messageOf } from '@ryax/platform';
import { readYaml } from '@ryax/yaml';
import { AttemptFailure } from './attempt-failure';

/** What a launch needs to know of an action. */
export interface ActionMetadata {
  readonly runtime: 'python3' | 'nodejs';
  readonly inputs: readonly IoDeclaration[];
  readonly outputs: readonly IoDeclaration[];
}

const declarationsSchema = z
  .array(
    z.object({
      name: ioNameSchema,
      type: ioTypeSchema,
      enum_values: z.array(z.string()).optional(),
      default_value: jsonValueSchema.optional(),
      optional: z.boolean().optional(),
    }),
  )
  .nullish()
  .transform((declarations) => declarations ?? []);

/** Read once more, not judged once more: what is in the store has been checked when it was uploaded. */
const metadataSchema = z.object({
  spec: z.object({
    type: z.enum(['python3', 'python3-cuda', 'nodejs']),
    inputs: declarationsSchema,
    outputs: declarationsSchema,
  }),
});

export async function readActionMetadata(folder: string): Promise<ActionMetadata> {
  const parsed = metadataSchema.safeParse(await readDocument(join(folder, 'ryax_metadata.yaml')));
  if (!parsed.success) throw unusable(z.prettifyError(parsed.error));
  const { type, inputs, outputs } = parsed.data.spec;
  return { runtime: type === 'nodejs' ? 'nodejs' : 'python3', inputs, outputs };
}

async function readDocument(path: string): Promise<unknown> {
  const text = await readText(path).catch((cause: unknown) => {
    if (cause instanceof AttemptFailure) throw cause;
    // That there is none is the content's fault; that it cannot be read is the disk's, where another one may fare better.
    throw unusable(messageOf(cause), codeOf(cause) === 'ENOENT' ? 'image' : 'lost', { cause });
  });
  try {
    return readYaml(text);
  } catch (cause) {
    throw unusable(messageOf(cause), 'image', { cause });
  }
}

/** What is made of it takes many times its size in memory: that of what is too long is not even read. */
async function readText(path: string): Promise<string> {
  const { size } = await stat(path);
  if (size <= limits.yamlBytes) return readFile(path, 'utf8');
  throw unusable(`expected at most ${limits.yamlBytes} bytes (yamlBytes), found ${size}`);
}

function unusable(reason: string, kind: 'image' | 'lost' = 'image', options?: ErrorOptions): AttemptFailure {
  const message = `The action's ryax_metadata.yaml cannot be used: ${reason}`;
  return new AttemptFailure({ kind, message }, options);
}
