/** The part of JSON Schema (draft 7) that our contracts use. */
export interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Schema;
  readonly propertyNames?: Schema;
  readonly items?: Schema;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
}
export type Schemas = Readonly<Record<string, Schema>>;

/** One version of a set of schemas, and a name in it. */
interface Side {
  readonly schemas: Schemas;
  readonly schema: Schema;
}

/**
 * Why a reader who goes by one version would refuse something that a writer who goes by another may write, as paths with
 * reasons; empty when it takes everything. Cautious: what it cannot compare (two patterns) counts as a difference.
 */
export function refusals(name: string, writer: Schemas, reader: Schemas): string[] {
  const comparison = new Comparison();
  const schema = { $ref: `#/components/schemas/${name}` };
  return comparison.compare({ schemas: writer, schema }, { schemas: reader, schema }, name);
}

const lowerBounds = ['minimum', 'exclusiveMinimum', 'minLength', 'minItems'] as const;
const upperBounds = ['maximum', 'exclusiveMaximum', 'maxLength', 'maxItems'] as const;

class Comparison {
  /** Pairs of references: where a recursive schema comes back to itself, what it says has been compared. */
  private readonly underWay = new Set<string>();

  compare(writer: Side, reader: Side, path: string): string[] {
    const pair = `${writer.schema.$ref ?? ''} ${reader.schema.$ref ?? ''}`;
    if (this.underWay.has(pair)) return [];
    if (writer.schema.$ref && reader.schema.$ref) this.underWay.add(pair);
    try {
      const [w, r] = [resolve(writer), resolve(reader)];
      if (!r) return [`${path}: the reader does not know it`];
      return w ? this.compareResolved({ ...writer, schema: w }, { ...reader, schema: r }, path) : [];
    } finally {
      this.underWay.delete(pair);
    }
  }

  private compareResolved(writer: Side, reader: Side, path: string): string[] {
    const [w, r] = [writer.schema, reader.schema];
    if (isAnything(r)) return [];
    const written = alternativesOf(w);
    if (written) return written.flatMap((schema) => this.compare({ ...writer, schema }, reader, path));
    const readable = alternativesOf(r);
    if (readable)
      return this.closest(
        writer,
        readable.map((schema) => ({ ...reader, schema })),
        path,
      );
    if (r.allOf) return r.allOf.flatMap((schema) => this.compare(writer, { ...reader, schema }, path));
    if (isAnything(w)) return [`${path}: the writer may write anything, the reader takes only some`];
    return [
      ...compareValues(w, r, path),
      ...compareBounds(w, r, path),
      ...this.compareObjects(writer, reader, path),
      ...(w.items && r.items
        ? this.compare({ ...writer, schema: w.items }, { ...reader, schema: r.items }, `${path}[]`)
        : []),
    ];
  }

  /** Accepted when one alternative takes it; otherwise the one that nearly does says best what is wrong. */
  private closest(writer: Side, readers: readonly Side[], path: string): string[] {
    const tries = readers.map((reader) => this.compare(writer, reader, path));
    return tries.reduce((best, each) => (each.length < best.length ? each : best));
  }

  private compareObjects(writer: Side, reader: Side, path: string): string[] {
    const [w, r] = [writer.schema, reader.schema];
    const { properties: written = {}, required: always = [] } = w;
    const { properties: known = {}, required = [], additionalProperties: others = true } = r;
    const missing = required
      .filter((name) => !always.includes(name))
      .map((name) => `${path}.${name}: the reader needs it, the writer may leave it out`);
    const differing = Object.entries(written).flatMap(([name, schema]) => {
      const expected = known[name] ?? others;
      if (expected === false) return [`${path}.${name}: the reader does not know it, and takes nothing unknown`];
      return expected === true
        ? []
        : this.compare({ ...writer, schema }, { ...reader, schema: expected }, `${path}.${name}`);
    });
    return [...missing, ...differing, ...this.compareRecords(writer, reader, path)];
  }

  private compareRecords(writer: Side, reader: Side, path: string): string[] {
    const [{ additionalProperties: written }, { additionalProperties: taken = true }] = [writer.schema, reader.schema];
    if (typeof written !== 'object' || taken === true) return [];
    if (taken === false) return [`${path}.*: the reader takes no names of the writer's choice`];
    return this.compare({ ...writer, schema: written }, { ...reader, schema: taken }, `${path}.*`);
  }
}

/** Undefined where a version does not have it at all. */
function resolve({ schemas, schema }: Side): Schema | undefined {
  if (schema.$ref === undefined) return schema;
  const referred = schemas[schema.$ref.replace('#/components/schemas/', '')];
  return referred && resolve({ schemas, schema: referred });
}

function alternativesOf({ anyOf, oneOf }: Schema): readonly Schema[] | undefined {
  return anyOf ?? oneOf;
}

const constraints = ['type', 'const', 'enum', 'anyOf', 'oneOf', 'allOf', 'properties', 'required', '$ref'] as const;

function isAnything(schema: Schema): boolean {
  return constraints.every((constraint) => schema[constraint] === undefined);
}

function compareValues(w: Schema, r: Schema, path: string): string[] {
  const written = valuesOf(w);
  const taken = valuesOf(r);
  if (taken && !written) return [`${path}: the reader takes only ${taken.join(', ')}`];
  const unknown = (written ?? []).filter((value) => taken && !taken.includes(value));
  if (unknown.length > 0) return [`${path}: the reader does not know ${unknown.join(', ')}`];
  const types = typesOf(w).filter((type) => !takes(typesOf(r), type));
  return types.length > 0 ? [`${path}: the reader takes ${typesOf(r).join(' or ')}, not ${types.join(' or ')}`] : [];
}

function valuesOf(schema: Schema): readonly string[] | undefined {
  const values = schema.enum ?? (schema.const === undefined ? undefined : [schema.const]);
  return values?.map((value) => JSON.stringify(value));
}

function typesOf({ type }: Schema): readonly string[] {
  if (type === undefined) return [];
  return typeof type === 'string' ? [type] : type;
}

function takes(types: readonly string[], type: string): boolean {
  return types.length === 0 || types.includes(type) || (type === 'integer' && types.includes('number'));
}

function compareBounds(w: Schema, r: Schema, path: string): string[] {
  const faults: string[] = [];
  for (const bound of lowerBounds) {
    const [written, taken] = [w[bound], r[bound]];
    if (taken !== undefined && (written ?? -Infinity) < taken)
      faults.push(`${path}: the reader takes ${bound} ${taken}`);
  }
  for (const bound of upperBounds) {
    const [written, taken] = [w[bound], r[bound]];
    if (taken !== undefined && (written ?? Infinity) > taken)
      faults.push(`${path}: the reader takes ${bound} ${taken}`);
  }
  if (r.pattern !== undefined && w.pattern !== r.pattern) faults.push(`${path}: the reader takes only ${r.pattern}`);
  if (r.propertyNames && JSON.stringify(w.propertyNames) !== JSON.stringify(r.propertyNames)) {
    faults.push(`${path}: the reader takes only some names`);
  }
  return faults;
}
