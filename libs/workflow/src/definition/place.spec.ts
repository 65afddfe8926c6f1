import { at, pathText } from './place';

describe('pathText', () => {
  it('is what a user would write', () => {
    expect(pathText(at(null, 'spec', 'actions', 2, 'inputs', 'region'))).toBe('spec.actions[2].inputs.region');
  });

  it('quotes what is no name', () => {
    expect(pathText(at(null, 'spec', 'results', 'a b', '0'))).toBe('spec.results["a b"]["0"]');
  });

  it('is empty for the document itself', () => {
    expect(pathText(null)).toBe('');
  });
});
