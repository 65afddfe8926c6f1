import type { JsonValue } from '@ryax/contracts';
import { parseDocument, type Document } from 'yaml';
import { isTooDeep, tooDeep } from './depth';

/** A text is not YAML, or means something that is no plain value. */
export class YamlError extends Error {
  readonly code = 'yaml';

  /** One for each fault, with its line. */
  constructor(readonly reasons: readonly string[]) {
    super(reasons.join('\n'));
    this.name = 'YamlError';
  }
}

/**
 * A value from YAML text, of which JSON is a part. What the library only warns of, tags that it does not know above all, is a
 * fault, too: it would drop them, and the author has meant something by them.
 *
 * @throws YamlError
 */
export function readYaml(text: string): JsonValue {
  const document = parseDocument(text);
  const faults = [...document.errors, ...document.warnings];
  if (faults.length > 0) throw new YamlError(faults.map(({ message }) => message));
  const value = valueOf(document);
  // Also what contains itself.
  if (isTooDeep(value)) throw new YamlError([tooDeep]);
  return value;
}

function valueOf(document: Document): JsonValue {
  try {
    return document.toJS() as JsonValue;
  } catch (error) {
    // Aliases that refer to nothing, or to far too much.
    if (!(error instanceof ReferenceError)) throw error;
    throw new YamlError([error.message]);
  }
}
