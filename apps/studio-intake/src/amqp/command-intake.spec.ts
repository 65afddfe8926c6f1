import { randomUUID } from 'node:crypto';
import { exchanges, queues, type JsonObject, type JsonValue, type Message, type MessageType } from '@ryax/contracts';
import { waitFor } from '@ryax/testing';
import { startIntakeApp, type IntakeApp, type PlayedParts } from '../testing/intake-app';

const target = { exchange: exchanges.commands.name, routingKey: 'any' } as const;

const tooDeep = 'expected at most 500 levels of nesting (valueDepth)';

function nested(levels: number): JsonValue {
  let value: JsonValue = 0;
  for (let level = 0; level < levels; level++) value = [value];
  return value;
}

describe('commands by message', () => {
  let intake: IntakeApp;
  afterEach(() => intake.stop());

  function command(type: MessageType, data: JsonObject, project = 'default'): Message {
    return { id: randomUUID(), type, source: 'tester', project, data };
  }

  const ask = async (message: Message) => (await intake.broker.request(target, message, 10_000)).data as JsonObject;
  const start = (project?: string) => command('command.run.start', { workflow_id: 'w' }, project);
  const commanded = (type: string, project: string) =>
    intake.commanded.filter((each) => each.type.startsWith(type) && each.project === project).length;

  it.each<[string, JsonObject, string, string]>([
    [
      'more labels than a run may have',
      { labels: Object.fromEntries(Array.from({ length: 65 }, (_label, index) => [`l${index}`, 'x'])) },
      ...(['labels', 'expected at most 64 labels (labels)'] as const),
    ],
    ['inputs that are nested too deep', { inputs: { j: nested(501) } }, 'inputs', tooDeep],
    ['inputs that are nested as deep as a message may be', { inputs: { j: nested(990) } }, 'inputs', tooDeep],
  ])('to start with %s are refused with the limit', async (_name, body, path, reason) => {
    intake = await startIntakeApp();

    expect(await ask(command('command.run.start', { workflow_id: 'w', ...body }))).toMatchObject({
      status: 'rejected',
      rejection: { code: 'invalid', details: [{ path, reason }] },
    });
    expect(intake.commanded).toEqual([]);
  });

  it('to start with inputs that are nested too deep are parked with the limit where nobody waits', async () => {
    intake = await startIntakeApp();
    const deepStart = (levels: number) =>
      command('command.run.start', { workflow_id: 'w', inputs: { j: nested(levels) } });

    await intake.broker.publish(target, [deepStart(501)]);
    // Beyond what a message may be: the intake is not even handed it.
    await intake.broker.publish(target, [deepStart(1_000)]);

    const reasons: (string | undefined)[] = [];
    await waitFor(() => reasons.push(...intake.server.takeParked().map(({ parked }) => parked?.reason)) === 2);
    expect(reasons.sort()).toEqual([
      `Invalid request; inputs: ${tooDeep}`,
      'expected at most 1000 levels of nesting (messageDepth)',
    ]);
    expect(await intake.broker.depth(queues.intakeCommands)).toBe(0);
    expect(intake.commanded).toEqual([]);
  });

  it('to deploy what is nested too deep are refused with the limit', async () => {
    intake = await startIntakeApp();

    expect(await ask(command('command.workflow.deploy', { definition: nested(501) }))).toMatchObject({
      rejection: { code: 'invalid', details: [{ path: '', reason: tooDeep }] },
    });
  });

  it('to start are the same run when they are sent again, however long their source and id are', async () => {
    intake = await startIntakeApp();
    const long = { ...start(), source: `/${'s'.repeat(200)}`, id: 'i'.repeat(100) };
    const other = { ...long, id: `${long.id.slice(1)}j` };

    const answers = [await ask(long), await ask(long), await ask(other)];

    expect(answers.map(({ status }) => status)).toEqual(['accepted', 'accepted', 'accepted']);
    const [first, again, another] = intake.commanded.map(({ data }) => data as { run_id: string; key: string });
    expect([again?.run_id, again?.key]).toEqual([first?.run_id, first?.key]);
    expect(another?.run_id).not.toBe(first?.run_id);
    expect(first?.key.length).toBeLessThanOrEqual(256);
  });

  describe('of a project that has as many runs as it may', () => {
    /** Runs of the project `full` that have not ended. */
    let open: number;

    async function givenFullProject(parts: PlayedParts = {}): Promise<void> {
      open = 5;
      intake = await startIntakeApp({
        limits: { runsInFlightPerProject: 5 },
        ...parts,
        answers: {
          'project.load': ({ project }) => ({ open_runs: project === 'full' ? open : 0 }),
          ...parts.answers,
        },
      });
      // The first start of a project is taken before the count is there.
      await waitFor(async () => (await ask(start('full'))).status === 'rejected');
    }

    async function givenStarts(count: number): Promise<void> {
      for (let index = 0; index < count; index++) await intake.broker.publish(target, [start('full')]);
    }

    it('hold up no cancel, deployment or start behind them, however many they are', async () => {
      await givenFullProject();
      await givenStarts(500);

      const cancel = command('command.run.cancel', { run_id: 'r' }, 'full');
      await intake.broker.publish(target, [cancel]);
      await intake.broker.publish(target, [start('other')]);

      await waitFor(() => commanded('run.cancel', 'full') === 1 && commanded('run.start', 'other') === 1);
      expect(await ask(start('other'))).toMatchObject({ status: 'accepted' });
    });

    it('are all carried out once runs have ended, each once, and none is parked', async () => {
      await givenFullProject();
      const before = commanded('run.start', 'full');
      await givenStarts(3);
      await waitFor(async () => ((await intake.broker.depth(queues.intakeWaiting)) ?? 0) > 0);

      open = 0;

      await waitFor(() => commanded('run.start', 'full') === before + 3, { timeoutMs: 20_000 });
      await waitFor(async () => (await intake.broker.depth(queues.intakeWaiting)) === 0);
      expect(intake.server.takeParked()).toEqual([]);
      expect(intake.complaints).toEqual([]);
    }, 30_000);

    it('are answered with the limit and its value where somebody waits, to be asked for again', async () => {
      await givenFullProject();

      expect(await ask(start('full'))).toEqual({
        status: 'rejected',
        rejection: {
          code: 'unavailable',
          message: 'The engine takes at most 5 (runsInFlightPerProject) at once, and has them; ask again later',
          details: [{ path: 'limits.runsInFlightPerProject', reason: 'expected at most 5 at once' }],
        },
      });
    });

    it('wait in rounds, so that one project does not hold up another that waits, too', async () => {
      await givenFullProject();
      const waiting = { exchange: '', routingKey: queues.intakeWaiting } as const;
      for (let index = 0; index < 450; index++) await intake.broker.publish(waiting, [start('full')]);
      await intake.broker.publish(waiting, [start('other')]);

      await waitFor(() => commanded('run.start', 'other') === 1, { timeoutMs: 20_000 });
    }, 30_000);
  });
});
