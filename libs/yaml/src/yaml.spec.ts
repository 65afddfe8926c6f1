import { limits } from '@ryax/contracts';
import fc from 'fast-check';
import { readYaml, YamlError } from './yaml';

function errorOf(read: () => unknown): YamlError {
  try {
    read();
  } catch (error) {
    if (error instanceof YamlError) return error;
  }
  throw new Error('expected it to be refused');
}
const levels = limits.valueDepth;
const nested = (open: string, close: string, depth: number) => open.repeat(depth) + 'x' + close.repeat(depth);

describe('YAML', () => {
  it('is a plain value, and JSON is a part of it', () => {
    expect(readYaml('a: [1, &x two, *x]')).toEqual({ a: [1, 'two', 'two'] });
    expect(readYaml('{"a": null}')).toEqual({ a: null });
    expect(readYaml('1: x\ntrue: 2001-01-01')).toEqual({ '1': 'x', true: '2001-01-01' });
    expect(readYaml('\ufeffa: yes\r\nb: 0o17\r\n')).toEqual({ a: 'yes', b: 15 });
    expect(readYaml('null')).toBeNull();
  });

  it('may close a bracket below its key, as many write it', () => {
    expect(readYaml('a: [\n  1,\n  2\n]\nb: {\n  c: 3\n}\nd:\n  - e: [\n    4\n  ]')).toEqual({
      a: [1, 2],
      b: { c: 3 },
      d: [{ e: [4] }],
    });
  });

  it('has no keys that mean more than they say', () => {
    const value = readYaml('__proto__: {x: 1}\n<<: {y: 2}');
    expect(Object.entries(value as object)).toEqual([
      ['__proto__', { x: 1 }],
      ['<<', { y: 2 }],
    ]);
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
  });

  it('may share a part as often as it likes', () => {
    const text = `shared: &s {x: [1, 2]}\nall: [${Array(1_000).fill('*s').join(', ')}]`;
    expect(readYaml(text)).toMatchObject({ all: Array(1_000).fill({ x: [1, 2] }) });
  });

  it('that was written as JSON reads as JSON does', () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
        const text = JSON.stringify(value);
        expect(readYaml(text)).toEqual(JSON.parse(text));
      }),
    );
  });

  it.each([
    ['is not well-formed', 'a: [', /unexpected end of the stream within a flow collection at line 1, column 5$/],
    ['is empty', '', /found nothing/],
    ['is more than one document', 'a: 1\n---\nb: 2', /expected a single document/],
    ['says a key twice', 'a: 1\nb: 2\na: 3', /duplicated mapping key at line 3, column 1$/],
    ['has a map for a key', 'a:\n  ? {b: 1}\n  : x', /^a: a key is a map/],
    ['is of another version', '%YAML 2.0\n---\na: 1', /unacceptable YAML version/],
    ['has a directive that means nothing here', '%SECRET x\n---\na: 1', /unknown document directive "SECRET"/],
    ['has a tag that means nothing here', 'a: !secret x', /unknown tag !<!secret> at line 1, column 13$/],
    ['has an alias to nothing', 'a: *x', /unidentified alias "x" at line 1, column 6$/],
    ['has a number that JSON has not', 'a:\n  b: [1, .nan]', /a\.b\.1: NaN is no number/],
    ['contains itself', 'a: &a {b: *a}', /at most 500 levels/],
    ['contains itself, twice at each level', '&a [*a, *a]', /at most 500 levels/],
    [
      'has aliases that grow without end',
      [
        'a: &a [x, x, x, x, x, x, x, x, x]',
        ...'bcdefghij'
          .split('')
          .map((name, index) => `${name}: &${name} [${Array(9).fill(`*${'abcdefghi'[index]}`).join(', ')}]`),
      ].join('\n'),
      /aliases stand for more than 8388608 bytes/,
    ],
    [
      'is nested too deeply by what an alias stands for',
      `a: &a ${nested('[', ']', 300)}\nb: ${nested('[', ']', 300).replace('x', '*a')}`,
      /at most 500 levels/,
    ],
  ])('is refused with the reason when it %s', (_, text, reason) => {
    expect(() => readYaml(text)).toThrow(YamlError);
    expect(() => readYaml(text)).toThrow(reason);
  });

  it('tells where a fault is, and shows it beside what it says', () => {
    const error = errorOf(() => readYaml('a: 1\nb: [2'));
    expect(error).toMatchObject({ message: expect.stringMatching(/at line 2, column 6$/) });
    expect(error.snippet).toContain('b: [2');
  });

  it('is quoted no longer than a reader would read', () => {
    expect(errorOf(() => readYaml(`a: !<${'x'.repeat(100_000)}> b`)).message.length).toBeLessThan(300);
  });

  describe.each([
    ['lists in brackets', '[', ']'],
    ['lists', '- ', ''],
    ['maps in braces', '{a: ', '}'],
  ])('of nested %s', (_, open, close) => {
    it('is read up to the limit and refused beyond it, however deep', () => {
      expect(readYaml(nested(open, close, levels))).toBeDefined();
      for (const depth of [levels + 1, levels + 2, 3_000, 1_000_000]) {
        expect(() => readYaml(nested(open, close, depth))).toThrow(/at most 500 levels/);
      }
    });
  });
});
