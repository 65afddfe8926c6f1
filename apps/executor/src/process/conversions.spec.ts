import type { IoDeclaration, JsonValue } from '@ryax/contracts';
import { convertInput, convertOutput, describeType } from './conversions';

type Type = IoDeclaration['type'];

const declared = (type: Type): IoDeclaration => ({
  name: 'x',
  type,
  ...(type === 'enum' ? { enum_values: ['a', 'b'] } : {}),
});
const file = { $file: `sha256:${'0'.repeat(64)}`, name: 'a.csv', size: 1, kind: 'file' };
const directory = { ...file, kind: 'directory' };
const secret = { $secret: '0'.repeat(64) };

describe('an input', () => {
  it.each<[Type, JsonValue, JsonValue]>([
    ['string', 'text', 'text'],
    ['string', 7, '7'],
    ['longstring', { a: 1 }, '{"a":1}'],
    ['password', 'sesame', 'sesame'],
    ['integer', 7, 7],
    ['integer', '7', 7],
    ['integer', ' -12 ', -12],
    ['integer', '3.0', 3],
    ['float', '2.5', 2.5],
    ['float', '1e-3', 0.001],
    ['float', 2, 2],
    ['boolean', true, true],
    ['boolean', 'True', true],
    ['boolean', 'off', false],
    ['boolean', 0, false],
    ['enum', 'b', 'b'],
    ['file', file, file],
    ['directory', directory, directory],
    ['json', [1, { a: null }], [1, { a: null }]],
    ['json', '7', '7'],
  ])('of type %s takes %j as %j', (type, given, value) => {
    expect(convertInput(declared(type), given)).toEqual({ ok: true, value });
  });

  it.each<[Type, JsonValue, string]>([
    ['integer', 'seven', 'integer'],
    ['integer', '', 'integer'],
    ['integer', 2.5, 'integer'],
    ['integer', '9007199254740993', 'integer'],
    ['integer', true, 'integer'],
    ['float', 'NaN', 'float'],
    ['float', 'Infinity', 'float'],
    ['float', [1], 'float'],
    ['boolean', 'perhaps', 'boolean'],
    ['boolean', 2, 'boolean'],
    ['enum', 'c', 'one of a, b'],
    ['file', '/etc/passwd', 'file'],
    ['file', directory, 'file'],
    ['directory', file, 'directory'],
    ['string', file, 'string'],
    ['string', secret, 'string'],
  ])('of type %s does not take %j', (type, given, expected) => {
    expect(convertInput(declared(type), given)).toEqual({ ok: false, expected });
  });
});

describe('an output', () => {
  it.each<[Type, JsonValue, JsonValue]>([
    ['string', 'text', 'text'],
    ['longstring', { a: [1] }, '{"a":[1]}'],
    ['string', [1, 2], '[1,2]'],
    ['integer', 3, 3],
    ['float', 3, 3],
    ['boolean', false, false],
    ['enum', 'a', 'a'],
    ['file', '/tmp/a.csv', '/tmp/a.csv'],
    ['json', null, null],
  ])('of type %s may be %j', (type, returned, value) => {
    expect(convertOutput(declared(type), returned)).toEqual({ ok: true, value });
  });

  it.each<[Type, JsonValue, string]>([
    ['string', 7, 'string'],
    ['integer', '7', 'integer'],
    ['integer', 7.5, 'integer'],
    ['float', '7.5', 'float'],
    ['boolean', 1, 'boolean'],
    ['enum', 'c', 'one of a, b'],
    ['file', 7, 'the path of a file'],
    ['directory', '', 'the path of a directory'],
  ])('of type %s may not be %j', (type, returned, expected) => {
    expect(convertOutput(declared(type), returned)).toEqual({ ok: false, expected });
  });
});

it('a type is described in words, and never by the value', () => {
  const values = [null, [], {}, 1, 1.5, true, 'sesame', file, directory, secret];

  expect(values.map(describeType)).toEqual([
    'nothing',
    'a list',
    'an object',
    'an integer',
    'a number',
    'a boolean',
    'a string',
    'a file',
    'a directory',
    'a secret',
  ]);
});
