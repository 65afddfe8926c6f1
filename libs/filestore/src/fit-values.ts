import { jsonBytes, type JsonObject } from '@ryax/contracts';
import type { FileStore } from './file-store';
import { putValue } from './json-content';

/** In bytes of JSON. */
export interface ValueBounds {
  /** One value; a larger one goes to the filestore. */
  readonly valueBytes: number;
  /** All values with their names. */
  readonly totalBytes: number;
}

/** A reference may be as large as this: to move a smaller value gains nothing. Nor is another reference moved. */
const referenceBytes = 256;

/**
 * Makes values small enough for a message: large ones go to the filestore, and then the largest of the others until all of
 * them fit. In the place of each stands a `$value` reference. Many small ones may still be too much together.
 */
export async function fitValues(files: FileStore, values: JsonObject, bounds: ValueBounds): Promise<JsonObject> {
  const { valueBytes, totalBytes } = bounds;
  const fitted = { ...values };
  const sizes = Object.entries(values).map(([name, value]) => ({ name, value, bytes: jsonBytes(value) }));
  let total = sizes.reduce((sum, { name, bytes }) => sum + jsonBytes(name) + 2 + bytes, 0);
  for (const { name, value, bytes } of sizes.sort((left, right) => right.bytes - left.bytes)) {
    if (bytes <= valueBytes && (total <= totalBytes || bytes <= referenceBytes)) break;
    const reference = await putValue(files, value);
    fitted[name] = reference;
    total += jsonBytes(reference) - bytes;
  }
  return fitted;
}
