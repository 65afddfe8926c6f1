import { waitFor } from '@ryax/testing';
import type { Engine } from './testing/engine';
import { useEngine } from './testing/use-engine';

/** Nothing is asked merely because time has passed. */
const patient = { startValidityMs: 60_000 };

describe('A late or repeated answer', () => {
  const opened = useEngine();
  let engine: Engine;

  beforeEach(() => {
    engine = opened();
  });

  it('that gives a start back to a new owner does not have an attempt run by two executors', async () => {
    const { kill } = await engine.runner(patient);
    const one = await engine.executor('e1');
    await engine.start('run', await engine.define([{ id: 'a', container: { image: 'alpine', command: ['true'] } }]));
    const given = await waitFor(() => one.starts[0], { describe: 'a start' });
    const two = await engine.executor('e2', 8);
    await waitFor(() => two.isHeard, { describe: 'the other executor to be known' });
    await one.returns(given);
    const taken = await waitFor(() => two.starts[0], { describe: 'the start to be sent to another' });

    await kill();
    const { partitions } = await engine.runner(patient);
    await waitFor(async () => (await partitions()) === 4, { describe: 'the takeover' });
    await one.returns(given);
    await waitFor(() => two.queried.length > 0 || one.starts.length + two.starts.length > 2);
    await two.end(taken);
    await waitFor(async () => (await engine.history('run')).includes('RunSucceeded'));
    expect([one.starts.length, two.starts.length]).toEqual([1, 1]);
  });
});
