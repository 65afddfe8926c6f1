import { limits, tooDeep, type JsonObject, type JsonValue } from '@ryax/contracts';
import { CORE_SCHEMA, load, YAMLException } from 'js-yaml';

declare module 'js-yaml' {
  interface LoadOptions {
    /** Since 4.2. */
    maxDepth?: number;
  }
}

/** A text is not YAML, or means something that is no JSON value. The message says where: by line and column, or by path. */
export class YamlError extends Error {
  readonly code = 'yaml';

  /** @param snippet the lines around it; empty where it is not of one place */
  constructor(
    message: string,
    readonly snippet = '',
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'YamlError';
  }

  /** For whoever has written the text: others may have written a password beside the fault. */
  get shown(): string {
    return this.snippet === '' ? this.message : `${this.message}:\n\n${this.snippet}`;
  }
}

/**
 * A JSON value from the text of one YAML 1.2 document, of which JSON is a part. Keys are strings, tags are those of the core
 * schema: others would be dropped, and the author has meant something by them.
 *
 * Takes time and memory in proportion to the text, whoever has written it. Nesting is judged while the text is read, not
 * afterwards: where the stack is full, V8 ends the process when it is to compile a regular expression, and no `catch` sees it.
 *
 * @throws YamlError
 */
export function readYaml(text: string): JsonValue {
  const value = parse(text);
  const { size } = new Measure(text.includes('*')).of(value, []);
  // At most a few for each character of the text, but for what aliases stand for.
  if (size > Math.max(4 * text.length, limits.definitionBytes)) {
    throw new YamlError(`Its aliases stand for more than ${limits.definitionBytes} bytes (definitionBytes)`);
  }
  return value;
}

function parse(text: string): JsonValue {
  let value: unknown;
  try {
    // Roughly, so that it ends: the parser counts what it tries, too. The measure counts what has come of it.
    value = load(text, { schema: CORE_SCHEMA, maxDepth: limits.valueDepth + 2, onWarning });
  } catch (error) {
    if (!(error instanceof YAMLException)) throw error;
    throw errorOf(error, text);
  }
  if (value === undefined) throw new YamlError('expected a document, found nothing');
  return value as JsonValue;
}

/** Such as a closing bracket below its key, which is common and has one meaning. */
const harmless = new Set(['deficient indentation', 'non-ASCII line breaks are interpreted as content']);

/** The author has meant something by what the parser would pass over. */
function onWarning(warning: YAMLException): void {
  if (!harmless.has(warning.reason)) throw warning;
}

/** A tag's or an alias's name is quoted in it, however long. */
const mostOfReason = 200;

function errorOf(error: YAMLException, text: string): YamlError {
  const reason = error.reason.slice(0, mostOfReason);
  if (reason.startsWith('nesting exceeded maxDepth')) return new YamlError(tooDeep, '', { cause: error });
  // Not there where the text as a whole is meant, whatever the type says.
  const { mark } = error as { mark?: YAMLException['mark'] };
  if (mark === undefined) return new YamlError(reason, '', { cause: error });
  return new YamlError(`${reason} at ${placeOf(mark, text)}`, mark.snippet, { cause: error });
}

/** The parser's end of a text is behind a line break that it has added. */
function placeOf({ position, line, column }: YAMLException['mark'], text: string): string {
  if (position < text.length) return `line ${line + 1}, column ${column + 1}`;
  const lines = text.trimEnd().split('\n');
  return `line ${lines.length}, column ${(lines.at(-1) ?? '').length + 1}`;
}

/** `size`: characters, at least one for each value; `height`: levels below. */
interface Extent {
  readonly size: number;
  readonly height: number;
}

type Path = (string | number)[];

/** Of what is found in itself. */
const endless: Extent = { size: Infinity, height: Infinity };

/** What a value comes to when it is written out as a tree, where aliases let one thing stand in several places, or in itself. */
class Measure {
  private readonly known = new Map<object, Extent>();

  /** @param hasAliases without them nothing is met twice, and a table of all that was met would be the larger part of the memory */
  constructor(private readonly hasAliases: boolean) {}

  /** @throws YamlError for what JSON cannot say */
  of(value: JsonValue, path: Path): Extent {
    if (typeof value !== 'object' || value === null) return { size: sizeOf(value, path), height: 0 };
    const extent = this.known.get(value) ?? this.ofChildren(value, path);
    if (path.length + extent.height > limits.valueDepth) throw new YamlError(tooDeep);
    return extent;
  }

  private ofChildren(value: JsonValue[] | JsonObject, path: Path): Extent {
    if (this.hasAliases) this.known.set(value, endless);
    let size = 1;
    let height = 0;
    // What the parser makes of a key that is a map; one that is a list of texts cannot be told from its text.
    if (Object.hasOwn(value, '[object Object]')) throw new YamlError(`${at(path)}a key is a map, expected text`);
    for (const [key, child] of Array.isArray(value) ? value.entries() : Object.entries(value)) {
      path.push(key);
      const extent = this.of(child, path);
      path.pop();
      size += extent.size + (typeof key === 'string' ? key.length : 0);
      height = Math.max(height, extent.height + 1);
    }
    const extent = { size, height };
    if (this.hasAliases) this.known.set(value, extent);
    return extent;
  }
}

function sizeOf(value: string | number | boolean | null, path: Path): number {
  if (typeof value === 'string') return value.length + 1;
  if (typeof value === 'number' && !Number.isFinite(value)) {
    throw new YamlError(`${at(path)}${value} is no number that JSON can say`);
  }
  return 1;
}

function at(path: Path): string {
  return path.length === 0 ? '' : `${path.join('.')}: `;
}
