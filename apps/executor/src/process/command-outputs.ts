import { readFile, stat } from 'node:fs/promises';
import { z } from 'zod';
import type { JsonObject } from '@ryax/contracts';
import { AttemptFailure } from './attempt-failure';

/** What a command may leave as JSON; larger results belong into files. */
const mostOutputBytes = 64 * 1024 * 1024;

/** Throws an AttemptFailure where they are too large to be read. @param bytes of the file `$RYAX_OUTPUTS` */
export function checkOutputsSize(bytes: number): void {
  if (bytes <= mostOutputBytes) return;
  throw AttemptFailure.invalid(
    `Expected at most ${mostOutputBytes} bytes in $RYAX_OUTPUTS, found ${bytes}; return a file instead`,
  );
}

/** The outputs that a command has left in the file `$RYAX_OUTPUTS`, if it has. Rejects with an AttemptFailure. */
export async function readOutputsFile(path: string): Promise<JsonObject> {
  const size = await stat(path).then(
    ({ size }) => size,
    () => undefined,
  );
  if (size === undefined) return {};
  checkOutputsSize(size);
  const parsed = parseObject(await readFile(path, 'utf8'));
  if (parsed !== undefined) return parsed;
  throw AttemptFailure.invalid('Expected a JSON object in $RYAX_OUTPUTS, found something else');
}

function parseObject(text: string): JsonObject | undefined {
  if (text.trim() === '') return {};
  try {
    const parsed = z.record(z.string(), z.custom<JsonObject[string]>()).safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}
