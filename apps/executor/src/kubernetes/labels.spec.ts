import { asLabelValue } from './labels';

describe('an id as a label', () => {
  it('is the id where it can be one, and otherwise a digest that no id is mistaken for', () => {
    expect(asLabelValue('fit.7')).toBe('fit.7');
    for (const id of ['', 'a b', '_', 'x'.repeat(64), asLabelValue('a b')]) {
      expect(asLabelValue(id)).toMatch(/^sha256\.[0-9a-f]{40}$/);
      expect(asLabelValue(id)).not.toBe(id);
    }
  });
});
