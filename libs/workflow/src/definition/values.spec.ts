import type { IoType, JsonValue } from '@ryax/contracts';
import { declare } from './spec-fixtures';
import { checkInputs, checkOutputs } from './values';

const hash = `sha256:${'a'.repeat(64)}`;
const file = { $file: hash, name: 'quakes.csv', size: 3, kind: 'file' };
const folder = { $file: hash, name: 'maps', size: 3, kind: 'directory' };
const secret = { $secret: 'b'.repeat(64) };
const reference = { $value: hash, size: 70_000, path: [7, 'n'] };

function input(type: IoType, value: JsonValue): unknown {
  const checked = checkInputs([declare('x', type, type === 'enum' ? { enum_values: ['reader', 'writer'] } : {})], {
    x: value,
  });
  return checked.ok ? checked.value.x : checked.faults[0]?.reason;
}

describe('checkInputs', () => {
  it.each<[IoType, JsonValue, JsonValue]>([
    ['string', 'a', 'a'],
    ['longstring', '', ''],
    ['password', 'hush', 'hush'],
    ['password', secret, secret],
    ['integer', 7, 7],
    ['integer', '7', 7],
    ['integer', '-7', -7],
    ['integer', 7.0, 7],
    ['float', 3, 3],
    ['float', '2.5e1', 25],
    ['float', ' +2. ', 2],
    ['float', '.5E-1', 0.05],
    ['float', `0.${String(5n ** 1074n).padStart(1074, '0')}`, Number.MIN_VALUE],
    ['boolean', 'true', true],
    ['boolean', 'False', false],
    ['enum', 'writer', 'writer'],
    ['file', file, file],
    ['directory', folder, folder],
    ['json', { a: [file, null] }, { a: [file, null] }],
    ['json', null, null],
    ['integer', reference, reference],
  ])('takes for %s %j as %j', (type, given, taken) => {
    expect(input(type, given)).toEqual(taken);
  });

  it.each<[IoType, JsonValue, string]>([
    ['string', 7, 'expected a string, found the number 7'],
    ['string', secret, 'expected a string, found an object'],
    ['integer', 'seven', 'expected an integer, found the string "seven"'],
    ['integer', 7.5, 'expected an integer, found the number 7.5'],
    ['integer', '', 'expected an integer, found the string ""'],
    ['integer', 1e19, 'expected an integer, found the number 10000000000000000000'],
    ['float', true, 'expected a float, found the boolean true'],
    ['boolean', 1, 'expected a boolean, found the number 1'],
    ['enum', 'writter', 'expected one of "reader", "writer", found "writter"; did you mean "writer"?'],
    ['file', folder, 'expected a file, found a directory'],
    ['directory', file, 'expected a directory, found a file'],
    ['file', { $file: 'made up' }, 'expected a file, found an object'],
    ['string', null, 'required input is missing'],
  ])('refuses for %s %j: %s', (type, given, reason) => {
    expect(input(type, given)).toBe(reason);
  });

  it.each<[IoType, string]>([
    ['integer', '1'.repeat(1024 * 1024) + 'x'],
    ['integer', '1'.repeat(1024 * 1024)],
    ['float', '1'.repeat(1024 * 1024) + '.x'],
    ['float', ' '.repeat(1024 * 1024) + 'x'],
    ['float', '1' + ' '.repeat(1024 * 1024) + 'x'],
    ['float', '1e' + '1'.repeat(1024 * 1024) + 'x'],
  ])('refuses for %s a text of 1 MiB', (type, text) => {
    expect(input(type, text)).toMatch(/^expected an? \w+, found the string "/);
  });

  it('says how a local path becomes a file', () => {
    expect(input('file', './quakes.csv')).toBe(
      'expected a file that has been uploaded, found the path "./quakes.csv"; use `ryax deploy` or `ryax run`, which upload',
    );
  });

  it('puts in defaults, converted, also where null was given', () => {
    const declarations = [
      declare('bins', 'integer', { default_value: '10' }),
      declare('note', 'string', { optional: true }),
    ];
    expect(checkInputs(declarations, { bins: null })).toEqual({
      ok: true,
      value: { bins: 10, note: null },
      ignored: [],
    });
  });

  it('tells all faults, unknown names with what was probably meant', () => {
    const declarations = [declare('region', 'string'), declare('bins', 'integer')];
    expect(checkInputs(declarations, { regon: 'a', bins: 'b' })).toEqual({
      ok: false,
      faults: [
        { path: 'regon', reason: 'unknown input; did you mean "region"?' },
        { path: 'region', reason: 'required input is missing' },
        { path: 'bins', reason: 'expected an integer, found the string "b"' },
      ],
    });
  });

  it('takes nothing from the prototype for a value', () => {
    expect(checkInputs([declare('constructor', 'json')], {})).toMatchObject({ ok: false });
  });
});

describe('checkOutputs', () => {
  const declarations = [
    declare('text', 'string'),
    declare('count', 'integer'),
    declare('note', 'string', { optional: true }),
  ];

  it('ignores undeclared outputs and lists them', () => {
    expect(checkOutputs(declarations, { text: 'a', count: 1, debug: true })).toEqual({
      ok: true,
      value: { text: 'a', count: 1, note: null },
      ignored: ['debug'],
    });
  });

  it('makes text of a dictionary or list where text is declared', () => {
    expect(checkOutputs(declarations, { text: { a: [1] }, count: 1 })).toMatchObject({ value: { text: '{"a":[1]}' } });
  });

  it('does not convert text: a handler that returns "7" for an integer is wrong', () => {
    expect(checkOutputs(declarations, { text: 'a', count: '7' })).toEqual({
      ok: false,
      faults: [{ path: 'count', reason: 'expected an integer, found the string "7"' }],
    });
  });

  it('names a required output that is missing', () => {
    expect(checkOutputs(declarations, { text: 'a' })).toEqual({
      ok: false,
      faults: [{ path: 'count', reason: 'required output is missing' }],
    });
  });
});
