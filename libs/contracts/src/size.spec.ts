import fc from 'fast-check';
import type { JsonValue } from './json';
import { limits } from './limits';
import { isTooLarge, jsonBytes } from './size';

const most = limits.valueBytes;

/** A value in two places of the next, so many times. */
function doubled(times: number, value: JsonValue, wrap: (value: JsonValue) => JsonValue = (value) => [value, value]) {
  for (let time = 0; time < times; time++) value = wrap(value);
  return value;
}

describe('isTooLarge', () => {
  it.each<JsonValue>([null, true, 0, 'text', [], {}, [1, 'a'], { a: { b: [1] } }])('is not %j', (value) => {
    expect(isTooLarge(value)).toBe(false);
  });

  it('is a text, or what holds texts, of more than the bound', () => {
    const half = 'x'.repeat(most / 2 - 20);
    expect(isTooLarge(half)).toBe(false);
    expect(isTooLarge([half, half])).toBe(false);
    expect(isTooLarge({ a: half, b: half, c: 'x'.repeat(50) })).toBe(true);
    expect(isTooLarge({ [half]: [half], c: 'x'.repeat(50) })).toBe(true);
    expect(isTooLarge('x'.repeat(most))).toBe(true);
  });

  it.each<[string, (value: JsonValue) => JsonValue]>([
    ['lists', (value) => [value, value]],
    ['objects', (value) => ({ a: value, b: value })],
    ['long lists', (value) => Array(2_000).fill(value) as JsonValue],
  ])('counts at each place what it walks once: %s', (_what, wrap) => {
    expect(isTooLarge(doubled(2, 'text', wrap))).toBe(false);
    expect(isTooLarge(doubled(400, 'text', wrap))).toBe(true);
  });
});

describe('the bytes of a value', () => {
  const value: JsonValue = {
    name: 'station',
    rows: [1234, -1.2345678901234567e-100, null, true, false],
    '': [[], {}],
    ü: '日🚀',
  };

  it.each<[string, JsonValue]>([
    ['texts that are escaped', ['a"b\\c', '\u0000\u001f']],
    ['numbers', [0, -1, 1e21, 0.1, -1.2345678901234567e-100]],
    ['objects in lists', [[value, [value]], value]],
    ['what stands in several places', doubled(12, value)],
  ])('are those of its JSON: %s', (_what, of) => {
    expect(jsonBytes(of)).toBe(Buffer.byteLength(JSON.stringify(of)));
  });

  it('are those of its JSON, whatever characters it has: halves of pairs, controls, all planes', () => {
    const texts = fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code)) });
    const characters = fc.string({
      unit: fc.oneof(fc.constantFrom('\n', '"', '\\', '\u007f', '🚀', '\ud83d', '\ude80')),
    });
    fc.assert(
      fc.property(fc.jsonValue(), fc.array(texts), fc.dictionary(characters, characters), (any, list, object) => {
        const of = [any as JsonValue, list, object];
        expect(jsonBytes(of)).toBe(Buffer.byteLength(JSON.stringify(of)));
      }),
    );
  });
});
