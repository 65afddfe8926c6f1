import { isPublished } from './definitions';

describe('a reference to an action of the catalogue', () => {
  it.each(['fit@1.0', 'a@b@c', '@@@'])('is %s', (reference) => {
    expect(isPublished(reference)).toBe(true);
  });

  it.each(['fit', '@1.0', 'fit@', '@', '@@', '', './fit@1.0', 'fit@1/0', 'core/noop'])('is not %j', (reference) => {
    expect(isPublished(reference)).toBe(false);
  });

  it.each([
    ['@'.repeat(1024 * 1024) + '/', false],
    ['@'.repeat(1024 * 1024), true],
    ['a'.repeat(1024 * 1024), false],
  ])('is told from others where it has 1 MiB', (reference, expected) => {
    expect(isPublished(reference)).toBe(expected);
  });
});
