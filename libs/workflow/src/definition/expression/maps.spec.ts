import { withMaps } from './maps';

describe('withMaps', () => {
  it('gives back what holds no such key as it is, and takes once what stands in many places', () => {
    let value: object = { a: 1 };
    for (let level = 0; level < 60; level++) value = level % 2 === 0 ? [value, value] : { a: value, b: value };
    expect(withMaps(value)).toBe(value);
  });

  it('makes a map of an object with such a key, wherever it stands', () => {
    const own = { constructor: 7 };
    expect(withMaps({ list: [own, 1, own] })).toEqual({
      list: [new Map([['constructor', 7]]), 1, new Map([['constructor', 7]])],
    });
  });
});
