import { isTooDeep } from './depth';
import type { JsonValue } from './json';
import { limits } from './limits';

const most = limits.valueDepth;

/** A value in so many lists, or objects. */
function nested(
  levels: number,
  inner: JsonValue,
  wrap: (value: JsonValue) => JsonValue = (value) => [value],
): JsonValue {
  let value = inner;
  for (let level = 0; level < levels; level++) value = wrap(value);
  return value;
}

describe('isTooDeep', () => {
  it.each<JsonValue>([null, true, 0, 'text', [], {}, [1, 'a'], { a: { b: [1] } }])('is not %j', (value) => {
    expect(isTooDeep(value)).toBe(false);
  });

  it.each<[string, (value: JsonValue) => JsonValue]>([
    ['lists', (value) => [value]],
    ['objects', (value) => ({ value })],
    ['lists beside other values', (value) => [1, [], value, {}]],
  ])('is what has a level more than the bound: %s', (_what, wrap) => {
    expect(isTooDeep(nested(most, 1, wrap))).toBe(false);
    expect(isTooDeep(nested(most + 1, 1, wrap))).toBe(true);
    expect(isTooDeep(nested(20_000, 1, wrap))).toBe(true);
  });

  it('is not what is empty at the last level', () => {
    expect(isTooDeep(nested(most, []))).toBe(false);
    expect(isTooDeep(nested(most, [[]]))).toBe(true);
  });

  it('takes once what stands in many places', () => {
    expect(isTooDeep(nested(most, 1, (value) => [value, value, value]))).toBe(false);
    expect(isTooDeep(nested(most + 1, 1, (value) => ({ a: value, b: value })))).toBe(true);
  });

  it('walks once what a list has many times, however long it is', () => {
    const long: JsonValue = Array.from({ length: 100_000 }, (_, index) => ({ index }));
    expect(isTooDeep(Array(10_000).fill(long) as JsonValue)).toBe(false);
    expect(isTooDeep(nested(most - 2, Array(10_000).fill(long) as JsonValue))).toBe(true);
    expect(isTooDeep(nested(most - 3, Array(10_000).fill(long) as JsonValue))).toBe(false);
  });

  it('is what contains itself', () => {
    const own: JsonValue[] = [];
    own.push(own, own);
    expect(isTooDeep(own)).toBe(true);
  });
});
