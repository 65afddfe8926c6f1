import { limits, tooDeep, type JsonObject, type JsonValue } from '@ryax/contracts';
import { load, YAMLException } from 'js-yaml';

/** A text is not YAML, or means something that is no JSON value. */
export class YamlError extends Error {
  readonly code = 'yaml';

  /** `reason` says where it is: line and column, or the path of a value. */
  constructor(reason: string, options?: ErrorOptions) {
    super(reason, options);
    this.name = 'YamlError';
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
  const { size } = new Measure().of(value, []);
  // Only aliases make more of a text than it is long.
  if (size > Math.max(text.length, limits.definitionBytes)) {
    throw new YamlError(`Its aliases stand for more than ${limits.definitionBytes} bytes (definitionBytes)`);
  }
  return value;
}

function parse(text: string): JsonValue {
  try {
    // Roughly, so that it ends: the parser counts what it tries, too. The measure counts what has come of it.
    return load(text, { maxDepth: limits.valueDepth + 2 }) as JsonValue;
  } catch (error) {
    if (!(error instanceof YAMLException)) throw error;
    throw new YamlError(reasonOf(error), { cause: error });
  }
}

/** With the lines around it, as a reader would look for them. */
function reasonOf({ reason, mark }: YAMLException): string {
  if (reason.startsWith('nesting exceeded maxDepth')) return tooDeep;
  if (mark === undefined) return reason;
  return `${reason} at line ${mark.line + 1}, column ${mark.column + 1}:\n\n${mark.snippet ?? ''}`;
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

  /** @throws YamlError for what JSON cannot say */
  of(value: JsonValue, path: Path): Extent {
    if (typeof value !== 'object' || value === null) return { size: sizeOf(value, path), height: 0 };
    const extent = this.known.get(value) ?? this.ofChildren(value, path);
    if (path.length + extent.height > limits.valueDepth) throw new YamlError(tooDeep);
    return extent;
  }

  private ofChildren(value: JsonValue[] | JsonObject, path: Path): Extent {
    this.known.set(value, endless);
    let size = 1;
    let height = 0;
    for (const [key, child] of Array.isArray(value) ? value.entries() : Object.entries(value)) {
      path.push(key);
      const extent = this.of(child, path);
      path.pop();
      size += extent.size + (typeof key === 'string' ? key.length : 0);
      height = Math.max(height, extent.height + 1);
    }
    const extent = { size, height };
    this.known.set(value, extent);
    return extent;
  }
}

function sizeOf(value: string | number | boolean | null, path: Path): number {
  if (typeof value === 'string') return value.length + 1;
  if (typeof value === 'number' && !Number.isFinite(value)) {
    throw new YamlError(`${path.join('.')}: ${value} is no number that JSON can say`);
  }
  return 1;
}
