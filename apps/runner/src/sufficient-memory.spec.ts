import type { ActionToRun } from '@ryax/contracts';
import { SufficientMemory } from './sufficient-memory';

const handler = (digit: string): ActionToRun => ({ type: 'handler', content_hash: `sha256:${digit.repeat(64)}` });
const container = (command: string): ActionToRun => ({
  type: 'container',
  image: 'alpine',
  command: [command],
  env: {},
  outputs: [],
});

describe('memory that was enough', () => {
  it('is asked for by later executions of the same version of an action, and of no other', () => {
    const memory = new SufficientMemory();
    memory.observed(handler('a'), 400);
    memory.observed(container('sort'), 700);
    expect(memory.resourcesFor(handler('a'), { cpu: 1, memory_bytes: 100 })).toEqual({ cpu: 1, memory_bytes: 400 });
    expect(memory.resourcesFor(container('sort'), {})).toEqual({ memory_bytes: 700 });
    for (const other of [handler('b'), container('join')]) expect(memory.resourcesFor(other, {})).toEqual({});
  });

  it('is the most that was ever needed, and never less than what is asked', () => {
    const memory = new SufficientMemory();
    memory.observed(handler('a'), 400);
    memory.observed(handler('a'), 300);
    expect(memory.resourcesFor(handler('a'), {})).toEqual({ memory_bytes: 400 });
    expect(memory.resourcesFor(handler('a'), { memory_bytes: 500 })).toEqual({ memory_bytes: 500 });
  });

  it('is forgotten of the action that was used longest ago, when there are too many', () => {
    const memory = new SufficientMemory();
    for (let index = 0; index < 10_000; index++) memory.observed(container(`c${index}`), 5);
    memory.resourcesFor(container('c0'), {});
    memory.observed(container('one more'), 5);
    expect(memory.resourcesFor(container('c0'), {})).toEqual({ memory_bytes: 5 });
    expect(memory.resourcesFor(container('c1'), {})).toEqual({});
  });
});
