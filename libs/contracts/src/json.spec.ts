import { isValueReference, type JsonValue } from './json';

const hash = `sha256:${'0a'.repeat(32)}`;

describe('isValueReference', () => {
  it.each<JsonValue>([
    { $value: hash, size: 1 },
    { $value: hash, size: 70_000, path: ['rows', 7], count: 2 },
  ])('takes %j', (value) => {
    expect(isValueReference(value)).toBe(true);
  });

  it.each<JsonValue>([
    null,
    hash,
    [hash],
    {},
    { $value: null, size: 1 },
    { $value: 7, size: 1 },
    { $value: [hash], size: 1 },
    { $value: hash },
    { $value: hash, size: 1, more: 1 },
    { $value: hash, size: 1, path: [-1] },
    { $value: hash.slice(0, -1), size: 1 },
    { $value: `${hash}0`, size: 1 },
    { $value: hash.replace('sha256', 'sha512'), size: 1 },
    { $value: hash.toUpperCase(), size: 1 },
    { $value: `${hash.slice(0, -1)}g`, size: 1 },
  ])('does not take %j', (value) => {
    expect(isValueReference(value)).toBe(false);
  });
});
