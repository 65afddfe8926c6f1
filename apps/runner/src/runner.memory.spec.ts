import { waitFor } from '@ryax/testing';
import type { Engine } from './testing/engine';
import { useEngine } from './testing/use-engine';

const mib = 2 ** 20;

describe('An action that runs out of memory', () => {
  const opened = useEngine();
  let engine: Engine;
  beforeEach(async () => {
    engine = opened();
    await engine.runner();
  });

  it('is tried again with more, and what was enough is asked for by its next executions at once', async () => {
    const executor = await engine.executor();
    const failure = { kind: 'out-of-memory' as const, message: 'killed', details: { memory_bytes: 100 * mib } };
    const retry = { max_attempts: 2, initial_interval: 0 };
    const resources = { memory: '100M' };
    const container = { image: 'alpine', command: ['sort'] };
    const definition = await engine.define([{ id: 'a', container, retry, resources }]);

    await engine.start('first', definition);
    await waitFor(() => executor.startsOf('a').length === 1);
    const [first] = executor.startsOf('a');
    if (first === undefined) throw new Error('Expected a start');
    await executor.end(first, { status: 'failed', failure });
    await waitFor(() => executor.startsOf('a').length === 2);
    const second = executor.startsOf('a')[1];
    if (second === undefined) throw new Error('Expected a second start');
    await executor.end(second, { status: 'succeeded', outputs: {} });
    await waitFor(async () => (await engine.history('first')).includes('RunSucceeded'));

    await engine.start('next', definition);
    await waitFor(() => executor.startsOf('a').length === 3);
    expect(executor.startsOf('a').map(({ run_id, attempt, resources: asked }) => [run_id, attempt, asked])).toEqual([
      ['first', 1, { memory_bytes: 100 * mib }],
      ['first', 2, { memory_bytes: 200 * mib }],
      ['next', 1, { memory_bytes: 200 * mib }],
    ]);

    // Of a pool that fits what is asked, and whose nodes have less than was enough elsewhere, it asks no more than they have.
    const node = { cpu: 4, memory_bytes: 150 * mib, gpu: 0 };
    const small = await engine.executor('small', 4, undefined, { pool: 'small', describes: { node } });
    const constraints = { pool: 'small' };
    await engine.start('small', await engine.define([{ id: 'a', container, retry, resources, constraints }]));
    await waitFor(() => small.starts.length === 1);
    expect(small.starts[0]?.resources).toEqual({ memory_bytes: 150 * mib });
  });
});
