import { exchanges, routingKeys, type LogChunk } from '@ryax/contracts';
import { createTestDatabase, waitFor } from '@ryax/testing';
import { createWorld, type World } from '../testing/stores';
import { failed, runFailed, runStarted, scheduled, succeeded } from '../testing/written-streams';

const project = 'default';

describe('logs', () => {
  let world: World;

  beforeEach(async () => {
    world = await createWorld(await createTestDatabase());
    const actions = [
      { id: 'say', container: { image: 'alpine', command: ['true'] } },
      { id: 'nap', action: 'core/noop' },
    ];
    const definition = { apiVersion: 'ryax.tech/v2.0', kind: 'Workflow', spec: { id: 'quakes', actions } };
    const { hash } = await world.files.put(JSON.stringify({ definition, actions: {} }));
    await world.streams.run('r1', runStarted('r1', { definition_hash: hash }), scheduled('say'));
    await world.startReplica();
  });
  afterEach(() => world.end());

  function chunk(offset: number, text: string, more: Partial<LogChunk> = {}): LogChunk {
    const bytes = Buffer.byteLength(text);
    return { project, run_id: 'r1', execution: 'say', attempt: 1, offset, text, bytes, end: false, ...more };
  }

  const send = (...chunks: readonly LogChunk[]) =>
    Promise.all(
      chunks.map((data) =>
        world.broker.publish({ exchange: exchanges.logs.name, routingKey: routingKeys.log(project) }, [
          { id: `${data.attempt}/${data.offset}`, type: 'execution.log', source: 'executor', project, data },
        ]),
      ),
    );
  const read = (
    parameters: { offset?: number; attempt?: number; wait_ms?: number; limit_bytes?: number; execution?: string } = {},
  ) => world.ask('execution.log', { project, run_id: 'r1', execution: 'say', ...parameters });
  const storedRows = () =>
    world.database.query<{ byte_offset: string }>('SELECT byte_offset FROM log_chunks ORDER BY byte_offset');

  it('a log chunk that arrives twice is stored once', async () => {
    await send(chunk(0, 'one\n'), chunk(4, 'two\n'), chunk(0, 'one\n'), chunk(4, 'two\n'));
    await waitFor(async () => (await storedRows()).length === 2);
    await send(chunk(4, 'two\n'), chunk(8, '', { end: true }));
    await waitFor(async () => (await storedRows()).length === 3);
    expect(await read()).toEqual({ attempt: 1, text: 'one\ntwo\n', next_offset: 8, complete: true });
  });

  it('has all that two executors have sent of it, of which one went on where the other one was gone', async () => {
    await send(chunk(0, 'begun\n'), chunk(6, 'half '));
    await waitFor(async () => (await storedRows()).length === 2);
    const following = read({ offset: 6, wait_ms: 30_000 });
    expect(await following).toMatchObject({ text: 'half ', next_offset: 11 });

    const rest = read({ offset: 11, wait_ms: 30_000 });
    await send(chunk(0, 'begun\nhalf way\n'), chunk(0, 'begun\nhalf way\nover\n', { end: true }));
    expect(await rest).toMatchObject({ text: expect.stringMatching(/^way\n/) as string });
    await waitFor(async () => (await read()).complete);
    expect(await read()).toMatchObject({ text: 'begun\nhalf way\nover\n', complete: true });
    for (const offset of [3, 8, 13]) {
      expect(await read({ offset })).toMatchObject({ text: 'begun\nhalf way\nover\n'.slice(offset), complete: true });
    }
  });

  it('ends where only its end was sent again', async () => {
    await send(chunk(0, 'one\n'));
    await waitFor(async () => (await storedRows()).length === 1);
    const last = read({ offset: 4, wait_ms: 10_000 });
    await send(chunk(0, 'one\n', { end: true }));
    expect(await last).toMatchObject({ text: '', complete: true });
  });

  it('keeps what PostgreSQL cannot have in a text', async () => {
    await send(chunk(0, 'a\0b\n', { end: true }));
    expect(await read({ wait_ms: 10_000 })).toMatchObject({ text: 'a\0b\n', complete: true });
  });

  it('follows a log as it is written, whichever replica stores it', async () => {
    await world.startReplica();
    const first = read({ wait_ms: 30_000 });
    await send(chunk(0, 'one\n'));
    expect(await first).toMatchObject({ text: 'one\n', next_offset: 4, complete: false });

    const last = read({ offset: 4, wait_ms: 30_000 });
    await send(chunk(4, '', { end: true }));
    expect(await last).toEqual({ attempt: 1, text: '', next_offset: 4, complete: true });
  });

  it('never gives a later chunk before an earlier one that is still on its way', async () => {
    await send(chunk(4, 'two\n', { end: true }));
    await waitFor(async () => (await storedRows()).length === 1);
    const answer = read({ wait_ms: 30_000 });
    await send(chunk(0, 'one\n'));
    expect(await answer).toMatchObject({ text: 'one\ntwo\n', complete: true });
  });

  it('passes over a chunk that never came', async () => {
    await send(chunk(4, 'two\n', { end: true }));
    await waitFor(async () => (await storedRows()).length === 1);
    await world.database.query(`UPDATE log_chunks SET stored_at = stored_at - interval '1 minute'`);
    expect(await read()).toMatchObject({ text: '\n[4 bytes of output were lost]\ntwo\n', complete: true });
  });

  it('gives a page of bytes from any offset', async () => {
    await send(chunk(0, '0123456789'), chunk(10, 'abcdefghij', { end: true }));
    await waitFor(async () => (await storedRows()).length === 2);
    expect(await read({ offset: 7, limit_bytes: 6 })).toMatchObject({
      text: '789abc',
      next_offset: 13,
      complete: false,
    });
    expect(await read({ offset: 13, limit_bytes: 100 })).toMatchObject({
      text: 'defghij',
      next_offset: 20,
      complete: true,
    });
  });

  it('reads the newest attempt unless told otherwise', async () => {
    await world.streams.run('r1', failed('say', { will_retry: true }), {
      type: 'ExecutionRetryScheduled',
      data: { execution: 'say', attempt: 2, delay_ms: 0, due_at_ms: 0, budget: 'user' },
    });
    await world.streams.run('r1', scheduled('say', 2));
    await send(chunk(0, 'first', { end: true }), chunk(0, 'second', { attempt: 2 }));
    await waitFor(async () => (await storedRows()).length === 2);
    expect(await read()).toMatchObject({ attempt: 2, text: 'second', complete: false });
    expect(await read({ attempt: 1 })).toMatchObject({ attempt: 1, text: 'first', complete: true });
  });

  it('a built-in action that has ended has a complete log without any output', async () => {
    await world.streams.run('r1', succeeded('say'), scheduled('nap'), succeeded('nap'));
    expect(await read({ execution: 'nap', attempt: 1, wait_ms: 30_000 })).toMatchObject({ text: '', complete: true });
  });

  it('an execution that never began has a complete log once its run has ended', async () => {
    expect(await read({ execution: 'nap' })).toEqual({ attempt: null, text: '', next_offset: 0, complete: false });
    await world.streams.run('r1', failed('say'), runFailed());
    expect(await read({ execution: 'nap' })).toMatchObject({ attempt: null, complete: true });
  });

  it('finds no log of an execution that is none', async () => {
    await expect(read({ execution: 'nope' })).rejects.toThrow('not-found: Expected an execution nope of run r1');
  });

  it('parks what is no chunk, and stores what came with it', async () => {
    world.expectComplaints();
    const target = { exchange: exchanges.logs.name, routingKey: routingKeys.log(project) };
    await world.broker.publish(target, [{ id: 'x', type: 'log.wake', source: 'test', project, data: { position: 1 } }]);
    await send(chunk(0, 'one'));
    await waitFor(async () => (await storedRows()).length === 1);
    await waitFor(async () => (await world.ask('dead-letter.list', { project })).items.length === 1);
  });
});
