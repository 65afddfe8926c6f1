import { streamId } from '@ryax/contracts';
import type { Engine } from './testing/engine';
import { useEngine } from './testing/use-engine';

describe('A start in view of its workflow', () => {
  const opened = useEngine();
  const workflow = streamId('workflow', 'default', 'flow');
  let engine: Engine;
  let definition: string;

  beforeEach(async () => {
    engine = opened();
    await engine.runner();
    definition = await engine.define([{ id: 'a', container: { image: 'alpine', command: ['true'] } }]);
  });

  const moveWorkflow = async () => {
    const head = await engine.eventLog.log.readHead(workflow);
    const event = { type: 'WorkflowDeployed', schema: 1, data: '{}', metadata: '{}', recordedAt: 0 };
    const seen = { expectedVersion: head?.version ?? 0, expectedHash: head?.hash ?? null };
    const rest = { project: 'default', kind: 'workflow', partition: 0, events: [event], open: true, wakeupAt: null };
    await engine.eventLog.log.append([{ streams: [{ streamId: workflow, ...seen, ...rest }] }]);
    return (head?.version ?? 0) + 1;
  };

  it('is carried out while the workflow stands there, and refused, leaving nothing, once it has moved', async () => {
    const head = await moveWorkflow();
    expect(await engine.start('timely', definition, {}, head)).toMatchObject({ status: 'accepted' });
    await moveWorkflow();
    expect(await engine.start('late', definition, {}, head)).toMatchObject({
      status: 'rejected',
      rejection: { code: 'conflict' },
    });
    expect(await engine.history('late')).toEqual([]);
  });

  it('gets the first answer when it is repeated, whatever has become of the workflow', async () => {
    const head = await moveWorkflow();
    const first = await engine.start('again', definition, {}, head);
    await moveWorkflow();
    expect(await engine.start('again', definition, {}, head)).toMatchObject({ status: 'accepted' });
    expect(first).toMatchObject({ status: 'accepted' });
    expect((await engine.history('again')).filter((type) => type === 'RunStarted')).toHaveLength(1);
  });

  it('is refused alone: others of the same turn are carried out', async () => {
    const head = await moveWorkflow();
    await moveWorkflow();
    const answers = await Promise.all(
      ['one', 'two', 'three', 'four'].map((run, index) => engine.start(run, definition, {}, head + (index % 2))),
    );
    expect(answers.map(({ status }) => status)).toEqual(['rejected', 'accepted', 'rejected', 'accepted']);
  });
});
