import type { IoDeclaration, JsonValue } from '@ryax/contracts';
import { fuzzCases, fuzzTimeoutMs } from '@ryax/testing';
import fc from 'fast-check';
import { convertInput, convertOutput, describeType, type Conversion } from './conversions';

const types = [
  'string',
  'longstring',
  'password',
  'enum',
  'integer',
  'float',
  'boolean',
  'file',
  'directory',
  'json',
] as const;
const declarations = fc
  .record({
    name: fc.string(),
    type: fc.constantFrom(...types),
    optional: fc.boolean(),
  })
  .map((given): IoDeclaration => (given.type === 'enum' ? { ...given, enum_values: ['a', 'b'] } : given));

const values = fc.oneof(
  fc.jsonValue({ maxDepth: 4 }) as fc.Arbitrary<JsonValue>,
  fc.constantFrom<JsonValue>(
    'NaN',
    '-Infinity',
    '1e999',
    '0x10',
    '',
    ' ',
    '\0',
    1e308,
    -0,
    Number.MAX_SAFE_INTEGER + 2,
  ),
  fc.record({ $file: fc.string(), name: fc.string() }),
  fc.record({ $secret: fc.string() }),
);

/** By type, what a value that was converted to it is. */
const isOf: Readonly<Record<(typeof types)[number], (value: JsonValue) => boolean>> = {
  string: (value) => typeof value === 'string',
  longstring: (value) => typeof value === 'string',
  password: (value) => typeof value === 'string' || typeof value === 'object',
  enum: (value) => value === 'a' || value === 'b',
  integer: Number.isSafeInteger,
  float: Number.isFinite,
  boolean: (value) => typeof value === 'boolean',
  file: (value) => typeof value === 'string' || typeof value === 'object',
  directory: (value) => typeof value === 'string' || typeof value === 'object',
  json: () => true,
};

describe('any value under any declaration', () => {
  it(
    'is what was declared, or is refused with what would have been',
    () => {
      fc.assert(
        fc.property(declarations, values, (declaration, value) => {
          const check = (conversion: Conversion) => {
            if (!conversion.ok) expect(conversion.expected).not.toBe('');
            else if (value !== null) expect(isOf[declaration.type](conversion.value)).toBe(true);
          };
          check(convertInput(declaration, value));
          check(convertOutput(declaration, value));
          expect(describeType(value)).not.toBe('');
        }),
        { numRuns: fuzzCases(10) },
      );
    },
    fuzzTimeoutMs,
  );
});
