import { readYaml } from './yaml';

describe('YAML that a caller sends', () => {
  it('is a plain value, and JSON is a part of it', () => {
    expect(readYaml('a: [1, &x two, *x]')).toEqual({ a: [1, 'two', 'two'] });
    expect(readYaml('{"a": null}')).toEqual({ a: null });
  });

  it.each([
    ['is not well-formed', 'a: [', /expected flow sequence to be closed|Flow sequence/i],
    ['has a tag that means nothing here', 'a: !secret x', /Unresolved tag: !secret/],
    ['contains itself, twice at each level', '&a [*a, *a]', /at most 500 levels/],
    ['has an alias to nothing', 'a: *x', /Unresolved alias.*x/],
    [
      'has aliases that grow without end',
      [
        'a: &a [x, x, x, x, x, x, x, x, x]',
        ...'bcdef'
          .split('')
          .map((name, index) => `${name}: &${name} [${Array(9).fill(`*${'abcde'[index]}`).join(', ')}]`),
      ].join('\n'),
      /Excessive alias count/,
    ],
  ])('is refused with the reason when it %s', (_, text, reason) => {
    expect(() => readYaml(text)).toThrow(reason);
  });
});
