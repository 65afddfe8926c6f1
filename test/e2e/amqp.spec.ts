import { randomUUID } from 'node:crypto';
import { AmqpBroker, type Delivery } from '@ryax/broker';
import { exchanges, type CommandReply, type Message, type MessageType } from '@ryax/contracts';
import { Log } from '@ryax/platform';
import { useTestBroker, useTestDatabase, waitFor } from '@ryax/testing';
import { z } from 'zod';
import { Engine } from './engine';

const definition = {
  apiVersion: 'ryax.tech/v2.0',
  kind: 'Workflow',
  spec: {
    id: 'by-message',
    trigger: { kind: 'manual', outputs: [{ name: 'x', type: 'integer' }] },
    actions: [{ id: 'twice', action: 'core/noop', inputs: { x: '=trigger.x * 2' } }],
    results: { x: '=twice.x' },
  },
};

describe('another service that speaks by messages only', () => {
  const virtualHost = useTestBroker();
  const database = useTestDatabase();
  const engine = new Engine({ brokerUrl: () => virtualHost.url, datastoreUrl: () => database.url });
  const heard: string[] = [];
  let broker: AmqpBroker;

  beforeAll(async () => {
    await engine.startAll();
    broker = new AmqpBroker({
      url: virtualHost.url,
      name: 'another service',
      log: new Log({ service: 'test', level: 'error' }),
    });
    const bindings = [{ exchange: exchanges.events.name, routingKey: 'default.#' }];
    await broker.declare([{ name: 'another-service', kind: 'work', bindings }]);
    await broker.consume('another-service', { prefetch: 100, maxBatch: 100 }, (batch: readonly Delivery[]) => {
      for (const delivery of batch) {
        const { stream, version, type } = delivery.message.data as { stream: string; version: number; type: string };
        heard.push(`${stream} ${version} ${type}`);
        delivery.ack();
      }
      return Promise.resolve();
    });
  }, 120_000);
  afterAll(() => broker.close());

  async function ask(
    type: MessageType,
    routingKey: string,
    data: unknown,
    id: string = randomUUID(),
  ): Promise<CommandReply> {
    const message: Message = { id, type, source: 'another-service', project: 'default', data };
    return (await broker.request({ exchange: exchanges.commands.name, routingKey }, message, 30_000))
      .data as CommandReply;
  }

  it('deploys, starts, and hears every event of the run in order', async () => {
    expect(await ask('command.workflow.deploy', 'workflow.deploy', { definition })).toMatchObject({
      status: 'accepted',
      result: { workflow_id: 'by-message', version: 1 },
    });
    const started = await ask('command.run.start', 'run.start', { workflow_id: 'by-message', inputs: { x: 21 } });
    if (started.status !== 'accepted')
      throw new Error(`Expected the run to be accepted, found ${JSON.stringify(started)}`);
    const { run_id: runId } = z.object({ run_id: z.string() }).parse(started.result);
    expect(await engine.waitForEnd(runId)).toBe('succeeded');
    expect(await engine.results(runId)).toEqual({ x: 42 });

    const stream = `run:default:${runId}`;
    const types = ['RunStarted', 'ExecutionScheduled', 'ExecutionSucceeded', 'RunSucceeded'];
    const expected = types.map((type, index) => `${stream} ${index + 1} ${type}`);
    const ofRun = () => heard.filter((line) => line.startsWith(`${stream} `));
    await waitFor(() => ofRun().length >= expected.length, {
      describe: () => `the events of the run, heard:\n${heard.join('\n')}`,
    });
    expect(ofRun()).toEqual(expected);
  });

  it('gets the same run when it repeats a message, for a message is its own key', async () => {
    await ask('command.workflow.deploy', 'workflow.deploy', { definition });
    const start = () =>
      ask('command.run.start', 'run.start', { workflow_id: 'by-message', inputs: { x: 1 } }, 'the same message');
    const [first, second] = [await start(), await start()];
    expect(first).toMatchObject({ status: 'accepted' });
    expect(second).toMatchObject({ result: first.status === 'accepted' ? { run_id: first.result['run_id'] } : {} });
  });

  it('is told what is wrong with a definition, place and reason', async () => {
    const wrong = { ...definition, spec: { ...definition.spec, actions: [{ id: 'a', action: 'core/nothing' }] } };
    expect(await ask('command.workflow.deploy', 'workflow.deploy', { definition: wrong })).toMatchObject({
      status: 'rejected',
      rejection: {
        code: 'invalid',
        details: expect.arrayContaining([expect.objectContaining({ path: 'spec.actions[0].action' })]),
      },
    });
  });

  it('finds what nobody waits for, and cannot be carried out, among the dead letters with its reason', async () => {
    const message: Message = {
      id: randomUUID(),
      type: 'command.run.start',
      source: 'another-service',
      project: 'default',
      data: { workflow_id: 'nobody' },
    };
    await broker.publish({ exchange: exchanges.commands.name, routingKey: 'run.start' }, [message]);
    const letters = async () => (await engine.json<{ items: Letter[] }>('GET', '/v1/dead-letters')).items;
    await waitFor(async () => (await letters()).length === 1, { describe: 'a dead letter' });

    const [letter] = await letters();
    expect(letter).toMatchObject({ message_id: message.id, queue: 'ryax.intake.commands', source: 'another-service' });
    expect(letter?.reason).toContain('nobody');

    // Once there is such a workflow, a replay is all that it takes.
    const nobody = {
      ...definition,
      spec: { ...definition.spec, id: 'nobody', trigger: { kind: 'manual' }, results: {} },
    };
    const deployed = { ...nobody, spec: { ...nobody.spec, actions: [{ id: 'nap', action: 'core/noop' }] } };
    await engine.json('POST', '/v1/workflows', deployed);
    await engine.json('POST', `/v1/dead-letters/${letter?.id}/replay`);
    const runs = async () =>
      (await engine.json<{ items: { run_id: string }[] }>('GET', '/v1/runs?workflow_id=nobody')).items;
    await waitFor(async () => (await runs()).length === 1, { describe: 'the run' });
    expect(await engine.waitForEnd((await runs())[0]?.run_id ?? '')).toBe('succeeded');
    expect(await letters()).toEqual([]);
  });

  it('may send 20 MB that are no message: they are kept whole, and everything goes on', async () => {
    await broker.replay({
      ...{ reason: '', queue: '', tries: 0, exchange: exchanges.commands.name, routingKey: 'run.start' },
      ...{
        contentType: 'application/json',
        headers: { odd: Buffer.from([255]) },
        content: Buffer.alloc(20_000_000, '['),
      },
    });
    const letters = async () => (await engine.json<{ items: Letter[] }>('GET', '/v1/dead-letters')).items;
    await waitFor(async () => (await letters()).length === 1, { describe: 'a dead letter' });

    const [letter] = await letters();
    expect(letter).toMatchObject({ bytes: 20_000_000, reason: expect.stringContaining('expected at most') });
    const shown = await engine.json<{ body: string }>('GET', `/v1/dead-letters/${letter?.id}`);
    expect(shown).toMatchObject({ truncated: true, body_encoding: 'utf8' });
    expect((await engine.request('DELETE', `/v1/dead-letters/${letter?.id}`)).status).toBe(204);
  });

  it('is parked when it is no message, and goes on being heard', async () => {
    // What goes out raw by a replay is whatever anybody may send.
    await broker.replay({
      ...{ reason: '', queue: '', tries: 0, exchange: exchanges.commands.name, routingKey: 'run.start' },
      ...{ contentType: 'application/json', headers: {}, content: Buffer.from('{"no":') },
    });
    const letters = async () => (await engine.json<{ items: Letter[] }>('GET', '/v1/dead-letters')).items;
    await waitFor(async () => (await letters()).length === 1, { describe: 'a dead letter' });

    const [letter] = await letters();
    expect(letter).toMatchObject({ reason: 'expected JSON, found something else', message_id: null });
    expect(await engine.json('GET', `/v1/dead-letters/${letter?.id}`)).toMatchObject({ body: '{"no":', headers: {} });
    expect((await engine.request('DELETE', `/v1/dead-letters/${letter?.id}`)).status).toBe(204);
    expect((await engine.request('DELETE', `/v1/dead-letters/${letter?.id}`)).status).toBe(404);
    expect(await letters()).toEqual([]);
  });
});

describe('another service that starts more runs by message than its project may have', () => {
  const virtualHost = useTestBroker();
  const database = useTestDatabase();
  const engine = new Engine({
    brokerUrl: () => virtualHost.url,
    datastoreUrl: () => database.url,
    env: { RYAX_LIMIT_RUNS_IN_FLIGHT_PER_PROJECT: '2' },
  });
  const actions = [{ id: 'nap', action: 'core/sleep', inputs: { seconds: 3_600 } }];
  const sleeper = { ...definition, spec: { id: 'sleeper', actions } };
  let broker: AmqpBroker;

  beforeAll(async () => {
    await engine.startAll();
    const log = new Log({ service: 'test', level: 'error' });
    broker = new AmqpBroker({ url: virtualHost.url, name: 'another service', log });
    await engine.json('POST', '/v1/workflows', sleeper);
  }, 120_000);
  afterAll(() => broker.close());

  function command(type: MessageType, data: unknown): Message {
    return { id: randomUUID(), type, source: 'another-service', project: 'default', data };
  }

  const running = async () =>
    (await engine.json<{ items: { run_id: string }[] }>('GET', '/v1/runs?state=running&limit=1000')).items;

  it('can cancel what runs, behind any number of starts, and those that waited take its place', async () => {
    const target = { exchange: exchanges.commands.name, routingKey: 'any' } as const;
    const start = () => command('command.run.start', { workflow_id: 'sleeper' });
    // What is started before the runs are counted for the first time is not held to the limit.
    await broker.publish(target, [start()]);
    await waitFor(async () => (await running()).length === 1, { describe: 'the first run' });
    for (let index = 0; index < 400; index++) await broker.publish(target, [start()]);
    await waitFor(async () => (await running()).length >= 2, { describe: 'as many runs as there may be' });

    const before = await running();
    for (const { run_id: runId } of before) {
      const cancel = command('command.run.cancel', { run_id: runId });
      expect((await broker.request(target, cancel, 30_000)).data).toMatchObject({ status: 'accepted' });
      expect(await engine.waitForEnd(runId)).toBe('cancelled');
    }

    const isNew = ({ run_id: runId }: { run_id: string }) => before.every((each) => each.run_id !== runId);
    await waitFor(async () => (await running()).filter(isNew).length >= 2, {
      timeoutMs: 60_000,
      describe: 'those that waited to run',
    });
    expect(await engine.json('GET', '/v1/dead-letters')).toMatchObject({ items: [] });
  }, 120_000);
});

interface Letter {
  readonly id: string;
  readonly reason: string;
}
