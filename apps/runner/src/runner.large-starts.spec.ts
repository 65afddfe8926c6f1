import { limits, streamId } from '@ryax/contracts';
import { waitFor } from '@ryax/testing';
import type { Engine } from './testing/engine';
import type { ExecutorDouble } from './testing/executor-double';
import { useEngine } from './testing/use-engine';

const work = (id: string, more = {}) => ({ id, container: { image: 'alpine', command: ['true'] }, ...more });

describe('A start that is too large for a message', () => {
  const opened = useEngine();
  let engine: Engine;
  let executor: ExecutorDouble;

  beforeEach(async () => {
    engine = opened();
    await engine.runner();
    executor = await engine.executor();
    executor.succeeds = true;
  });

  const ended = (run: string) =>
    waitFor(async () => (await engine.history(run)).some((type) => type.startsWith('Run') && type !== 'RunStarted'));

  it('for its inputs together is sent with the largest of them in the filestore', async () => {
    const inputs = Object.fromEntries(Array.from({ length: 12 }, (_, index) => [`i${index}`, 'x'.repeat(60_000)]));

    await engine.start('joined', await engine.define([work('join', { inputs: { ...inputs, small: 'near' } })]));
    await ended('joined');

    const [start] = executor.startsOf('join');
    expect(Object.keys(start?.inputs ?? {})).toHaveLength(13);
    expect(start?.inputs).toMatchObject({ i0: { size: 60_002 }, small: 'near' });
    expect(JSON.stringify(start?.inputs).length).toBeLessThanOrEqual(limits.startInputsBytes);
    expect(await engine.history('joined')).toContain('RunSucceeded');
  });

  it('for its command ends as failed with the reason, and those beside it are sent', async () => {
    const command = ['echo', 'x'.repeat(limits.messageBytes)];
    const large = { id: 'large', container: { image: 'alpine', command }, on_failure: 'continue' };

    await engine.start('refused', await engine.define([work('before'), large, work('after')]));
    await ended('refused');

    expect(executor.starts.map(({ execution }) => execution).sort()).toEqual(['after', 'before']);
    const events = await engine.eventLog.log.readStream(streamId('run', 'default', 'refused'));
    const failed: unknown[] = events
      .filter(({ type }) => type === 'ExecutionFailed')
      .map(({ data }): unknown => JSON.parse(data));
    const message: unknown = expect.stringContaining('at most 4194304 bytes (messageBytes)');
    expect(failed).toMatchObject([
      { execution: 'large', executor: null, will_retry: false, failure: { kind: 'rejected', message } },
    ]);
  });

  it('for a message, and given back, is sent again without a question: who had it is known', async () => {
    executor.succeeds = false;
    executor.answersQueries = false;
    const inputs = Object.fromEntries(Array.from({ length: 12 }, (_, index) => [`i${index}`, 'x'.repeat(60_000)]));

    await engine.start('returned', await engine.define([work('join', { inputs })]));
    await waitFor(() => executor.starts.length === 1);
    const [start] = executor.starts;
    if (start !== undefined) await executor.returns(start);

    await waitFor(() => executor.starts.length === 2);
  });
});
