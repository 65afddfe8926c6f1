import type { JsonObject } from '@ryax/contracts';
import { noop, workflow } from './spec-fixtures';
import { validateDefinition } from './validate';

function heights(spec: JsonObject): Record<string, number> {
  const validation = validateDefinition(workflow(spec), new Map());
  if (!validation.ok) throw new Error(JSON.stringify(validation.faults));
  return Object.fromEntries(validation.plan.entries.map(({ id, height }) => [id, height]));
}

const after = (...ids: string[]): JsonObject => ({ after: ids });

describe('the height of an entry', () => {
  it('counts the actions on the longest path from it, itself included, however they are written', () => {
    const actions = [
      noop('last', {}, after('long_2', 'short')),
      noop('long_2', {}, after('long_1')),
      noop('long_1', {}, after('first')),
      noop('short', {}, after('first')),
      noop('first'),
      noop('alone'),
    ];
    expect(heights({ actions })).toEqual({ first: 4, long_1: 3, long_2: 2, short: 2, last: 1, alone: 1 });
  });

  it('goes on from the inside of a group to what follows the group', () => {
    const inner = { id: 'inner', outputs: {}, actions: [noop('deep')], after: ['x'] };
    const actions = [
      noop('first'),
      { id: 'g', outputs: {}, actions: [noop('x'), noop('y'), inner], after: ['first'] },
      noop('last', {}, after('g')),
    ];
    expect(heights({ actions })).toEqual({ first: 4, g: 3, x: 3, y: 2, inner: 2, deep: 2, last: 1 });
  });

  it('is the same for a list of any length', () => {
    const actions = [noop('each', {}, { for_each: [1, 2, 3] }), noop('join', { all: '=each' })];
    expect(heights({ actions })).toEqual({ each: 2, join: 1 });
  });

  it('does not count what is in finally', () => {
    const last = [noop('sweep'), noop('tell', {}, after('sweep'))];
    expect(heights({ actions: [noop('a')], finally: last })).toEqual({ a: 1, sweep: 2, tell: 1 });
  });
});
