import type { JsonValue } from '@ryax/contracts';
import { putValue } from '@ryax/filestore';
import { waitFor } from '@ryax/testing';
import { useEngine } from './testing/use-engine';

const container = { image: 'alpine', command: ['true'] };

describe('A value that leads to another, and that to the next', () => {
  const opened = useEngine();

  it('is opened however many there are', async () => {
    const engine = opened();
    await engine.runner();
    const executor = await engine.executor();
    executor.succeeds = true;
    let value: JsonValue = 1;
    for (let count = 0; count < 200; count++) value = [await putValue(engine.files, value)];
    const trigger = [{ name: 'chain', type: 'json' }];
    const action = { id: 'a', when: '=size(trigger.chain) == 1', container };

    await engine.start('chained', await engine.define([action], trigger), { chain: value });

    await waitFor(async () => (await engine.history('chained')).includes('RunSucceeded'));
    expect(executor.starts).toHaveLength(1);
  });
});

describe('An attempt whose inputs can no longer be made', () => {
  const opened = useEngine();

  it('has failed, and is not asked for again for ever', async () => {
    const engine = opened();
    const first = await engine.runner();
    const executor = await engine.executor();
    const list = await putValue(engine.files, ['x']);
    const trigger = [{ name: 'list', type: 'json' }];
    const action = { id: 'a', inputs: { size: '=size(trigger.list)' }, container };
    await engine.start('lost', await engine.define([action], trigger), { list });
    await waitFor(() => executor.starts.length === 1);
    const [start] = executor.starts;
    if (start === undefined) throw new Error('nothing has started');

    const second = await engine.runner();
    second.faults.missing.add(list.$value);
    await first.kill();
    await executor.returns(start);

    await waitFor(async () => (await engine.history('lost')).includes('RunFailed'), { timeoutMs: 25_000 });
    const failed = (await engine.runs.events('lost')).find(({ type }) => type === 'ExecutionFailed');
    expect(JSON.parse(failed?.data ?? '{}')).toMatchObject({
      attempt: 1,
      failure: { kind: 'invalid', message: `inputs.size: ${list.$value} is not in the filestore` },
    });
  });
});
