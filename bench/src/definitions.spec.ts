import { chain, fan, layers } from './definitions';

/** The engine's limit of a definition. */
const mostBytes = 8 * 1024 * 1024;

describe('graphs of workloads', () => {
  it('chain actions', () => {
    expect([...chain('c', 3, 'noop').parents]).toEqual([
      ['s0', []],
      ['s1', ['s0']],
      ['s2', ['s1']],
    ]);
  });

  it('fan out and join', () => {
    const { parents } = fan('f', 3, 'noop');
    expect(parents.get('b1')).toEqual(['fork']);
    expect(parents.get('join')).toEqual(['b0', 'b1', 'b2']);
  });

  it('wait in layers for two of the layer before', () => {
    const { parents } = layers('l', 6, 3);
    expect(parents.get('x0')).toEqual([]);
    expect(parents.get('x3')).toEqual(['x0', 'x1']);
    expect(parents.get('x5')).toEqual(['x2', 'x0']);
  });

  it('fit into a definition with 100,000 actions', () => {
    const { definition, parents } = layers('large', 100_000, 100);
    expect(parents.size).toBe(100_000);
    expect(JSON.stringify(definition).length).toBeLessThan(mostBytes);
  });
});
