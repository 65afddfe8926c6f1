import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InMemoryBroker, InMemoryServer, type Delivery } from '@ryax/broker';
import {
  exchanges,
  limits,
  queues,
  routingKeys,
  type CommandReply,
  type JsonValue,
  type RunStart,
} from '@ryax/contracts';
import { LocalFileStore, SecretBox, Secrets } from '@ryax/filestore';
import { Clock, IdSource, Log } from '@ryax/platform';
import { waitFor } from '@ryax/testing';
import { RejectedError } from '../errors';
import type { IntakeLimits } from '../intake.config';
import { Admission } from '../load/admission';
import { OpenRuns } from '../load/open-runs';
import { RunnerClient } from '../runner.client';
import { StateStoreClient } from '../state-store.client';
import { StoredActions } from '../actions/stored-actions';
import { CurrentWorkflows } from '../workflows/current-workflows';
import { Definitions } from '../workflows/definitions';
import { Workflows } from '../workflows/workflows.service';
import { RunBatches } from './run-batches.service';
import { Runs } from './runs.service';

const caller = { subject: 'tester', project: 'default' };
const outputs = [{ name: 'token', type: 'password' }];
const actions = [{ id: 'nap', action: 'core/noop' }];
const definition = {
  apiVersion: 'ryax.tech/v2.0',
  kind: 'Workflow',
  spec: { id: 'hello', trigger: { kind: 'manual', outputs }, actions },
};

const accepted: CommandReply = { status: 'accepted', version: 1, position: 1, result: { state: 'running' } };
const wrongInput: CommandReply = {
  status: 'rejected',
  rejection: { code: 'invalid', message: 'Invalid inputs', details: [{ path: 'inputs.x', reason: 'unknown' }] },
};
const keyReused: CommandReply = { status: 'rejected', rejection: { code: 'key-reused', message: 'Another request' } };

const roomy: IntakeLimits = { ...limits };

describe('RunBatches', () => {
  const log = new Log({ service: 'test', write: () => undefined });
  /** Patient: only a test that waits for no answer shortens it. */
  const options = {
    jwtSecretKey: undefined,
    commandDeadlineMs: 20_000,
    queryDeadlineMs: 20_000,
    limits: roomy,
  };
  const ids = new IdSource();
  let directory: string;
  let server: InMemoryServer;
  let broker: InMemoryBroker;
  let batches: RunBatches;
  let admission: Admission;
  let files: LocalFileStore;
  /** What the state store was asked for, by name. */
  let asked: string[];
  /** What it answers. */
  let shown: object;
  let openRuns: number;
  let workflow: { version: number; definition_hash: string; deployed: boolean; head: number };

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'ryax-batches-'));
    files = await LocalFileStore.open(directory);
    server = new InMemoryServer();
    broker = new InMemoryBroker({ server, log });
    const secrets = new Secrets(files, await SecretBox.fromText('a key for tests only'));
    const stateStore = new StateStoreClient(broker, options, ids);
    const runner = new RunnerClient(broker, options, new Clock(), ids, log, stateStore);
    const definitions = new Definitions(files, secrets, stateStore, new StoredActions(files), options);
    options.commandDeadlineMs = 20_000;
    const current = new CurrentWorkflows(stateStore, files);
    openRuns = 0;
    options.limits = roomy;
    admission = new Admission(options, new OpenRuns(options, stateStore, new Clock(), log));
    const workflows = new Workflows(files, definitions, runner, stateStore, admission);
    const runs = new Runs(files, secrets, runner, stateStore, workflows, current, definitions, ids, admission, options);
    batches = new RunBatches(runs, new Clock(), log, options);
    asked = [];
    const { hash } = await files.put(JSON.stringify({ definition, actions: {} }));
    workflow = { version: 4, definition_hash: hash, deployed: true, head: 7 };
    shown = workflow;
    await startStateStore();
  });

  afterEach(async () => {
    await broker.close();
    await rm(directory, { recursive: true });
  });

  async function serve(
    queue: string,
    exchange: 'ryax.queries' | 'ryax.runner',
    routingKey: string,
    handler: (batch: readonly Delivery[]) => void,
  ) {
    await broker.declare([{ name: queue, kind: 'questions', bindings: [{ exchange, routingKey }] }]);
    await broker.consume(queue, { prefetch: 2_000, maxBatch: 2_000 }, (batch) => Promise.resolve(handler(batch)));
  }

  function reply(delivery: Delivery, type: 'query.reply' | 'command.reply', data: JsonValue): void {
    delivery.reply({ id: ids.newId(), type, source: 'test', project: 'default', data });
    delivery.ack();
  }

  function startStateStore() {
    return serve(queues.queries, exchanges.queries.name, routingKeys.queries, (batch) => {
      for (const delivery of batch) {
        const { name } = delivery.message.data as { name: string };
        asked.push(name);
        const answers: Record<string, object> = {
          'engine.settings': { partitions: 1 },
          'project.load': { open_runs: openRuns },
        };
        const result = (answers[name] ?? shown) as JsonValue;
        reply(delivery, 'query.reply', { status: 'answered', result });
      }
    });
  }

  /** A runner that answers nothing before so many starts have come; without an answer it stays silent. */
  async function givenRunner(expected: number, answerTo: (start: RunStart) => CommandReply | undefined) {
    const starts: RunStart[] = [];
    const waiting: Delivery[] = [];
    await serve(queues.runnerPartition(1, 0), exchanges.runner.name, routingKeys.runnerPartition(0), (batch) => {
      waiting.push(...batch);
      starts.push(...batch.map(({ message }) => message.data as RunStart));
      if (starts.length < expected) return;
      for (const delivery of waiting.splice(0)) {
        const answer = answerTo(delivery.message.data as RunStart);
        if (answer === undefined) delivery.ack();
        else reply(delivery, 'command.reply', answer as unknown as JsonValue);
      }
    });
    return starts;
  }

  it('looks the workflow up once, and asks for all runs before any is answered', async () => {
    const starts = await givenRunner(1_000, () => accepted);
    const items = Array.from({ length: 1_000 }, (_item, index) => ({ inputs: { n: index } }));

    const answers = await batches.start(caller, 'hello', items, 'k');

    expect(answers.every(({ status }) => status === 202)).toBe(true);
    expect(asked.sort()).toEqual(['engine.settings', 'project.load', 'workflow.current']);
    expect(starts.map(({ inputs }) => inputs['n'])).toEqual(items.map(({ inputs }) => inputs.n));
  });

  it('answers each item in its place, with the status that it alone would have had', async () => {
    const byName: Record<string, CommandReply> = { wrong: wrongInput, other: keyReused };
    await givenRunner(3, ({ labels }) => byName[labels['is'] ?? ''] ?? accepted);
    const items = [{ labels: { is: 'wrong' } }, { inputs: 7 }, {}, { labels: { is: 'other' } }];

    const answers = await batches.start(caller, 'hello', items, undefined);

    expect(answers).toEqual([
      { status: 400, error: 'Invalid inputs', details: [{ path: 'runs[0].inputs.x', reason: 'unknown' }] },
      { status: 400, error: 'Invalid request', details: [expect.objectContaining({ path: 'runs[1].inputs' })] },
      { status: 202, run_id: expect.any(String), workflow_id: 'hello', workflow_version: 4, state: 'running' },
      { status: 409, error: 'Another request', details: [] },
    ]);
  });

  it('says for an item without an answer what to ask for and with which key, and answers the others', async () => {
    const starts = await givenRunner(2, ({ labels }) => (labels['is'] === 'silent' ? undefined : accepted));

    options.commandDeadlineMs = 2_000;
    const [silent, answered] = await batches.start(caller, 'hello', [{ labels: { is: 'silent' } }, {}], undefined);

    const { run_id, key } = starts.find(({ labels }) => labels['is'] === 'silent') ?? {};
    expect(silent).toMatchObject({ status: 503, run_id, idempotency_key: key, details: [] });
    expect(answered?.status).toBe(202);
  });

  it('has its items wait for each other where there is room for few at once, and accepts them all', async () => {
    options.limits = { ...roomy, startsInFlight: 4 };
    const starts = await givenRunner(1, () => accepted);
    const items = Array.from({ length: 50 }, (_item, index) => ({ inputs: { n: index } }));

    const answers = await batches.start(caller, 'hello', items, undefined);

    expect(answers.filter(({ status }) => status !== 202)).toEqual([]);
    expect(starts.map(({ inputs }) => inputs['n'])).toEqual(items.map(({ inputs }) => inputs.n));
  });

  it('leaves half of the room to others', async () => {
    options.limits = { ...roomy, startsInFlight: 8 };
    const starts = await givenRunner(5, () => accepted);

    const large = batches.start(caller, 'hello', Array<object>(20).fill({}), undefined);
    await waitFor(() => starts.length >= 4);
    expect(starts).toHaveLength(4);
    const small = batches.start(caller, 'hello', [{}], undefined);

    const answers = [...(await large), ...(await small)];
    expect(answers.filter(({ status }) => status !== 202)).toEqual([]);
  });

  it('takes what is left of the room beside others', async () => {
    options.limits = { ...roomy, startsInFlight: 8 };
    let open = () => {};
    const elsewhere = new Promise<void>((resolve) => (open = resolve));
    const others = Array.from({ length: 6 }, () => admission.enter(() => elsewhere));
    const starts = await givenRunner(2, () => accepted);

    const answers = await batches.start(caller, 'hello', Array<object>(20).fill({}), undefined);

    expect(answers.filter(({ status }) => status !== 202)).toEqual([]);
    expect(starts).toHaveLength(20);
    open();
    await Promise.all(others);
  });

  it('has no room at all where others have it: each item is told so, and when to ask again, and nothing is stored', async () => {
    options.limits = { ...roomy, startsInFlight: 1 };
    let open = () => {};
    const other = admission.enter(() => new Promise<void>((resolve) => (open = resolve)));
    const starts = await givenRunner(1, () => accepted);
    const put = jest.spyOn(files, 'put');
    const items = Array<object>(3).fill({ inputs: { rows: 'x'.repeat(100_000) } });

    const refused = await batches.start(caller, 'hello', items, undefined);
    open();
    await other;
    const later = await batches.start(caller, 'hello', [{}], undefined);

    expect(put).not.toHaveBeenCalled();
    expect(refused).toEqual(
      Array<object>(3).fill({
        status: 429,
        error: 'The engine takes at most 1 (startsInFlight) at once, and has them; ask again later',
        details: [],
        limit: 'startsInFlight',
        retry_after: 1,
      }),
    );
    expect(later.map(({ status }) => status)).toEqual([202]);
    expect(starts).toHaveLength(1);
  });

  it('begins nothing more of itself once an answer would come too late', async () => {
    options.limits = { ...roomy, startsInFlight: 2 };
    options.commandDeadlineMs = 2_000;
    const starts = await givenRunner(1, () => undefined);

    const answers = await batches.start(caller, 'hello', [{}, {}, {}], undefined);

    expect(answers.map(({ status }) => status)).toEqual([503, 429, 429]);
    expect(new Set(starts.map(({ run_id }) => run_id)).size).toBe(1);
  });

  it('has no room for more runs of a project than its limit, those that were begun before it came included', async () => {
    options.limits = { ...roomy, runsInFlightPerProject: 10 };
    openRuns = 7;
    await givenRunner(1, () => accepted);
    await batches.start(caller, 'hello', [{}], undefined);
    await waitFor(() => asked.includes('project.load'));

    const answers = await batches.start(caller, 'hello', [{}, {}, {}], undefined);

    expect(answers.map(({ status }) => status)).toEqual([202, 202, 429]);
    expect(answers[2]).toMatchObject({ limit: 'runsInFlightPerProject', retry_after: 1 });
  });

  it('sends no password and no large value, and hashes the request as it was asked for', async () => {
    const starts = await givenRunner(2, () => accepted);
    const inputs = { token: 'correct horse', rows: 'x'.repeat(100_000) };
    const same = { inputs, idempotency_key: 'same' };

    await batches.start(caller, 'hello', [same, same], undefined);

    expect(JSON.stringify(starts)).not.toContain('correct horse');
    expect(JSON.stringify(starts).length).toBeLessThan(5_000);
    const [first, second] = starts;
    expect(first).toEqual(second);
    expect(first?.inputs).toEqual({
      token: { $secret: expect.any(String) },
      rows: expect.objectContaining({ $value: expect.any(String) }),
    });
  });

  it('measures what is large in bytes, as messages and events are', async () => {
    const starts = await givenRunner(1, () => accepted);
    const rows = '日'.repeat(limits.inlineValueBytes / 2);
    await batches.start(
      caller,
      'hello',
      [{ inputs: { rows, few: 'x'.repeat(limits.inlineValueBytes - 2) } }],
      undefined,
    );
    expect(starts[0]?.inputs).toEqual({
      rows: { $value: expect.any(String), size: 3 * rows.length + 2 },
      few: expect.any(String),
    });
  });

  it('fails as a whole, and starts nothing, where the workflow is not deployed', async () => {
    shown = { ...workflow, deployed: false };
    const starts = await givenRunner(1, () => accepted);
    await expect(batches.start(caller, 'hello', [{}], undefined)).rejects.toThrow(RejectedError);
    expect(starts).toEqual([]);
  });
});
