import { exchanges, limits, type Message } from '@ryax/contracts';
import { waitFor } from '@ryax/testing';
import { startIntakeApp, type IntakeApp, type PlayedParts } from '../testing/intake-app';

describe('an engine that has no room', () => {
  let intake: IntakeApp;
  /** Lets the runner answer. */
  let open: () => void;
  /** Commands that it has been asked for. */
  let taken: number;
  const start = async (parts: PlayedParts = {}) => {
    const opened = new Promise<void>((resolve) => (open = resolve));
    taken = 0;
    const accept = () => {
      taken++;
      return opened;
    };
    intake = await startIntakeApp({ accept, ...parts });
  };
  afterEach(async () => {
    open();
    await intake.stop();
  });

  /** Begun at once: the library's own promise begins when somebody waits for it. */
  const post = async (payload: object = {}, url = '/v1/workflows/w/runs') =>
    intake.app.inject({ method: 'POST', url, payload });

  const definition = {
    apiVersion: 'ryax.tech/v2.0',
    kind: 'Workflow',
    spec: { id: 'w', actions: [{ id: 'a', action: 'core/noop' }] },
  };

  const command = (id: string): Message => ({
    id,
    type: 'command.run.start',
    source: 'tester',
    project: 'default',
    data: { workflow_id: 'w' },
  });

  it('answers 429 with the limit and when to ask again, and accepts once there is room', async () => {
    await start({ limits: { startsInFlight: 2 } });
    const accepted = [post(), post()];
    await waitFor(() => taken === 2);

    const refused = await post();

    expect(refused.headers['retry-after']).toBe('1');
    expect(refused.json()).toEqual({
      error: 'The engine takes at most 2 (startsInFlight) at once, and has them; ask again later',
      details: [],
      limit: 'startsInFlight',
      retry_after: 1,
    });
    open();
    expect((await Promise.all(accepted)).map(({ statusCode }) => statusCode)).toEqual([202, 202]);
    expect((await post()).statusCode).toBe(202);
  });

  it('counts runs that have not ended, of a project', async () => {
    await start({ limits: { runsInFlightPerProject: 5 }, answers: { 'project.load': { open_runs: 5 } } });
    open();
    // The first is taken before the count is there.
    await waitFor(async () => (await post()).statusCode === 429);
    expect((await post()).json()).toMatchObject({ limit: 'runsInFlightPerProject', retry_after: 1 });
  });

  it('begins nothing of what it refuses: no definition is deployed, no value stored', async () => {
    await start({ limits: { startsInFlight: 1 } });
    const accepted = post();
    await waitFor(() => taken === 1);
    const put = jest.spyOn(intake.files, 'put');

    const inputs = { rows: 'x'.repeat(100_000) };
    for (const refused of [
      post({ definition, inputs }, '/v1/executions'),
      post(definition, '/v1/workflows'),
      post({ inputs }),
    ]) {
      expect((await refused).json()).toMatchObject({ limit: 'startsInFlight' });
    }

    expect(put).not.toHaveBeenCalled();
    expect(taken).toBe(1);
    open();
    expect((await accepted).statusCode).toBe(202);
    expect((await post({ definition }, '/v1/executions')).statusCode).toBe(202);
  });

  describe('under an idempotency key', () => {
    const postKeyed = async (key: string, url: string, payload: object) =>
      intake.app.inject({ method: 'POST', url, payload, headers: { 'idempotency-key': key } });
    /** Runs that the state store knows. */
    const begun = new Set<string>();
    const started = {
      ...{ version: 1, type: 'RunStarted', data: { workflow_version: 1 } },
      ...{ recorded_at: '2026-03-01T12:00:00.000Z', cause: null, hash: 'h' },
    };

    beforeEach(async () => {
      begun.clear();
      await start({
        limits: { runsInFlightPerProject: 5 },
        answers: {
          'project.load': { open_runs: 5 },
          'run.history': ({ run_id }) =>
            begun.has(run_id as string) ? { events: [started], head_version: 1, open: true } : undefined,
        },
      });
      open();
      await waitFor(async () => (await post()).statusCode === 429);
    });

    it.each([
      ['a start', '/v1/workflows/w/runs', {}],
      ['an execution', '/v1/executions', { definition }],
    ])(
      'says for %s what the run will be called, and answers a repeat of what was accepted',
      async (_name, url, body) => {
        const refused = await postKeyed('k', url, body);
        const { run_id: runId } = refused.json<{ run_id: string }>();
        expect([refused.statusCode, refused.json()]).toEqual([
          429,
          expect.objectContaining({
            limit: 'runsInFlightPerProject',
            run_id: expect.any(String),
            idempotency_key: 'k',
          }),
        ]);

        begun.add(runId);
        const repeat = await postKeyed('k', url, body);

        expect([repeat.statusCode, repeat.json()]).toEqual([202, expect.objectContaining({ run_id: runId })]);
        expect(intake.commanded.map(({ type }) => type)).not.toContain('workflow.deploy');
        expect((await postKeyed('another', url, body)).statusCode).toBe(429);
      },
    );

    it('answers the items of a repeated batch that were accepted, beside those that there is no room for', async () => {
      const url = '/v1/workflows/w/runs/batch';
      const ask = async () =>
        (await postKeyed('k', url, { runs: [{}, {}] })).json<{ items: { status: number; run_id: string }[] }>().items;
      const [first] = await ask();
      begun.add(first?.run_id ?? '');

      expect(await ask()).toMatchObject([
        { status: 202, run_id: first?.run_id },
        { status: 429, idempotency_key: 'k:1' },
      ]);
    });
  });

  it('deploys nothing for a run that its project has no room for', async () => {
    await start({ limits: { runsInFlightPerProject: 5 }, answers: { 'project.load': { open_runs: 5 } } });
    open();
    await waitFor(async () => (await post()).statusCode === 429);
    const before = taken;
    const put = jest.spyOn(intake.files, 'put');

    expect((await post({ definition }, '/v1/executions')).json()).toMatchObject({ limit: 'runsInFlightPerProject' });

    expect(put).not.toHaveBeenCalled();
    expect(taken).toBe(before);
  });

  it('takes no more commands by message than it can hold: they wait at the broker, and none is lost or parked', async () => {
    await start({ limits: { startsInFlight: 3 } });
    const target = { exchange: exchanges.commands.name, routingKey: 'run.start' } as const;
    for (let index = 0; index < 20; index++) await intake.broker.publish(target, [command(`m${index}`)]);
    await waitFor(async () => (await intake.broker.depth('ryax.runner.1.0')) === 0);

    open();
    await waitFor(async () => (await intake.broker.depth('ryax.intake.commands')) === 0, { timeoutMs: 20_000 });

    expect(intake.server.takeParked()).toEqual([]);
    expect(intake.complaints).toEqual([]);
  }, 30_000);

  it('reads no more bodies than it may hold at once; a single one is read, however large', async () => {
    await start({ limits: { bodyBytesInFlight: 1_000 } });
    const large = { inputs: { text: 'x'.repeat(5_000) } };
    const first = post(large);
    await waitFor(() => taken === 1);

    expect((await post(large)).json()).toMatchObject({ limit: 'bodyBytesInFlight' });
    // What has no body needs no room.
    expect((await intake.app.inject({ method: 'GET', url: '/v1/runs/r' })).statusCode).toBe(404);
    open();
    expect((await first).statusCode).toBe(202);
    expect((await post(large)).statusCode).toBe(202);
  });

  it('refuses definitions beyond its limits by their names and values, as YAML and as JSON', async () => {
    await start({ limits: { definitionBytes: 400, actionsPerWorkflow: 2 } });
    const definitionOf = (actions: number, note: string) => ({
      ...definition,
      spec: {
        id: 'w',
        human_name: note,
        actions: Array.from({ length: actions }, (_, index) => ({ id: `a${index}`, action: 'core/noop' })),
      },
    });
    open();

    const large = definitionOf(1, 'x'.repeat(400));
    expect(await post(large, '/v1/workflows')).toMatchObject({ statusCode: 413 });
    expect((await post({ definition: large }, '/v1/executions')).json()).toMatchObject({
      error: 'A definition may have 400 bytes (definitionBytes), found more',
    });
    const yaml = { method: 'POST', url: '/v1/workflows', headers: { 'content-type': 'application/yaml' } } as const;
    expect((await intake.app.inject({ ...yaml, payload: JSON.stringify(large) })).statusCode).toBe(413);
    expect((await post(definitionOf(3, ''), '/v1/workflows')).json()).toMatchObject({
      details: [{ path: 'spec.actions', reason: 'expected at most 2 actions (actionsPerWorkflow), found more' }],
    });
    expect((await post(definitionOf(2, ''), '/v1/workflows')).statusCode).toBe(201);
  });

  it('reads a long definition as JSON, of whatever type it is sent, and refuses YAML of such a length', async () => {
    await start();
    open();
    const yaml = { method: 'POST', url: '/v1/workflows', headers: { 'content-type': 'application/yaml' } } as const;
    const asJson = JSON.stringify(definition) + ' '.repeat(limits.yamlBytes);
    expect((await intake.app.inject({ ...yaml, payload: asJson })).statusCode).toBe(201);
    const asYaml = `# a comment\n${asJson}`;
    const refused = await intake.app.inject({ ...yaml, payload: asYaml });
    expect(refused.statusCode).toBe(413);
    expect(refused.json()).toMatchObject({ error: expect.stringContaining('2097152 bytes (yamlBytes)') as string });
  });

  it('refuses a definition that is nested too deep to be walked', async () => {
    await start();
    open();
    const payload = '['.repeat(200_000) + ']'.repeat(200_000);
    const answer = await intake.app.inject({
      ...{ method: 'POST', url: '/v1/workflows' },
      ...{ headers: { 'content-type': 'application/json' }, payload },
    });
    expect([answer.statusCode, answer.json()]).toEqual([
      400,
      expect.objectContaining({
        details: [{ path: '', reason: 'expected at most 500 levels of nesting (valueDepth)' }],
      }),
    ]);
  });
});
