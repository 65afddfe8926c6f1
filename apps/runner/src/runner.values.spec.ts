import type { JsonValue } from '@ryax/contracts';
import { putValue } from '@ryax/filestore';
import { waitFor } from '@ryax/testing';
import { useEngine } from './testing/use-engine';

describe('A value that leads to another, and that to the next', () => {
  const opened = useEngine();

  it('is opened however many there are', async () => {
    const engine = opened();
    await engine.runner();
    const executor = await engine.executor();
    executor.succeeds = true;
    let value: JsonValue = 1;
    for (let count = 0; count < 200; count++) value = [await putValue(engine.files, value)];
    const read = { when: '=size(trigger.chain) == 1', container: { image: 'alpine', command: ['true'] } };
    const trigger = [{ name: 'chain', type: 'json' }];

    await engine.start('chained', await engine.define([{ id: 'a', ...read }], trigger), { chain: value });

    await waitFor(async () => (await engine.history('chained')).includes('RunSucceeded'));
    expect(executor.starts).toHaveLength(1);
  });
});
