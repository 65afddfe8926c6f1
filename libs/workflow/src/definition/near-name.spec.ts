import { editDistance, Suggester } from './near-name';

describe('editDistance', () => {
  it.each([
    ['split', 'split', 0],
    ['splt', 'split', 1],
    ['spilt', 'split', 1],
    ['splits', 'split', 1],
    ['', 'split', 5],
    ['regoins', 'regions', 1],
    ['fit', 'tidy', 3],
  ])('of %p and %p is %p', (a, b, distance) => {
    expect(editDistance(a, b)).toBe(distance);
  });
});

describe('Suggester', () => {
  const names = ['split', 'fit', 'report', 'trigger'];

  it('suggests the nearest name', () => {
    expect(new Suggester().didYouMean('reprot', names)).toBe('; did you mean "report"?');
  });

  it('looks past case', () => {
    expect(new Suggester().didYouMean('Split', names)).toBe('; did you mean "split"?');
  });

  it.each(['quite_another', 'x', ''])('suggests nothing for %p', (name) => {
    expect(new Suggester().didYouMean(name, names)).toBe('');
  });

  it('suggests nothing for a text of 1 MiB', () => {
    const text = 'x'.repeat(1024 * 1024);
    expect(new Suggester().didYouMean(text, [`${text}y`])).toBe('');
  });

  it('stops looking when a document asks too often', () => {
    const suggester = new Suggester();
    const many = Array.from({ length: 100_000 }, (_, index) => `action_number_${index}`);
    for (let i = 0; i < 30; i++) suggester.didYouMean('reprot', many);
    expect(suggester.didYouMean('reprot', names)).toBe('');
  });
});
