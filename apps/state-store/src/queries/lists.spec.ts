import { streamId } from '@ryax/contracts';
import { createTestDatabase } from '@ryax/testing';
import { createWorld, type World } from '../testing/stores';
import {
  cancelRequested,
  failed,
  runFailed,
  runStarted,
  runSucceeded,
  succeeded,
  workflowDeployed,
} from '../testing/written-streams';

describe('lists', () => {
  let world: World;

  beforeEach(async () => {
    world = await createWorld(await createTestDatabase());
  });
  afterEach(() => world.end());

  it('show what was committed before the question, newest first', async () => {
    await world.startReplica();
    await world.streams.run('r1', runStarted('r1', { labels: { team: 'a' } }), succeeded('fit'), runSucceeded());
    await world.streams.run('r2', runStarted('r2'), cancelRequested());
    const position = await world.streams.run('r3', runStarted('r3'), failed('fit'), runFailed());

    const { items, as_of, stale, next_cursor } = await world.askFresh('run.list', { project: 'default' });

    expect(items.map(({ run_id, state }) => [run_id, state])).toEqual([
      ['r3', 'failed'],
      ['r2', 'cancelling'],
      ['r1', 'succeeded'],
    ]);
    expect(items[2]).toMatchObject({ labels: { team: 'a' }, counts: { succeeded: 1 }, failure: null });
    expect(items[0]).toMatchObject({ failure: { kind: 'crash', message: 'it broke' } });
    expect({ as_of, stale, next_cursor }).toEqual({ as_of: position, stale: false, next_cursor: null });
  });

  it('filter by workflow, state and labels together, page by page', async () => {
    await world.startReplica();
    for (let index = 0; index < 12; index++) {
      const labels = { team: index % 2 === 0 ? 'even' : 'odd', zero: '\0' };
      const started = runStarted(`r${index}`, { workflow_id: index < 6 ? 'first' : 'second', labels });
      await world.streams.run(`r${index}`, started, ...(index % 3 === 0 ? [runSucceeded()] : []));
    }
    const ids = async (filter: object) => {
      const read: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await world.askFresh('run.list', { project: 'default', limit: 2, cursor, ...filter });
        read.push(...page.items.map(({ run_id }) => run_id));
        cursor = page.next_cursor ?? undefined;
      } while (cursor !== undefined);
      return read;
    };

    expect(await ids({})).toEqual(Array.from({ length: 12 }, (_, index) => `r${11 - index}`));
    expect(await ids({ workflow_id: 'first' })).toEqual(['r5', 'r4', 'r3', 'r2', 'r1', 'r0']);
    expect(await ids({ state: 'succeeded' })).toEqual(['r9', 'r6', 'r3', 'r0']);
    expect(await ids({ labels: { team: 'even' }, state: 'succeeded' })).toEqual(['r6', 'r0']);
    expect(await ids({ workflow_id: 'second', state: 'running', labels: { team: 'odd' } })).toEqual(['r11', 'r7']);
    expect(await ids({ labels: { team: 'none' } })).toEqual([]);
  });

  it('show the newest deployed version of a workflow, and what failed lately', async () => {
    await world.startReplica();
    const quakes = streamId('workflow', 'default', 'quakes');
    await world.streams.append(
      quakes,
      workflowDeployed('quakes', 1),
      workflowDeployed('quakes', 2),
      workflowDeployed('quakes', 1),
    );
    await world.streams.append(streamId('workflow', 'default', 'gone'), workflowDeployed('gone', 1), {
      type: 'WorkflowUndeployed',
      data: { workflow_id: 'gone', undeployed_by: null },
    });
    await world.streams.run(
      'r1',
      runStarted('r1'),
      failed('fit.3', { attempt: 2 }),
      failed('map', { will_retry: true }),
    );

    const workflows = await world.askFresh('workflow.list', { project: 'default' });
    expect(workflows.items.map((each) => [each.workflow_id, each.version, each.deployed])).toEqual([
      ['gone', 1, false],
      ['quakes', 2, true],
    ]);
    const executions = await world.askFresh('execution.list', { project: 'default', state: 'failed' });
    expect(executions.items).toMatchObject([{ run_id: 'r1', workflow_id: 'quakes', execution: 'fit.3', attempt: 2 }]);
  });

  it('answer stale: true when the projection is behind', async () => {
    // No replica holds the lock that projects: somebody else does.
    const lock = await world.eventLog.locks.tryAcquire('state-store/0');
    await world.startReplica();
    await world.streams.run('r1', runStarted('r1'));

    const answer = await world.ask('run.list', { project: 'default' });

    expect(answer).toMatchObject({ items: [], as_of: 0, stale: true });
    await lock?.release();
  });

  it('refuse a cursor that is none, and parameters that are none, by name', async () => {
    await world.startReplica();
    await expect(world.ask('run.list', { project: 'default', cursor: 'x' })).rejects.toThrow(
      'invalid: Expected a cursor',
    );
    await expect(world.ask('run.list', { project: 'default', limit: 0 })).rejects.toThrow(
      'invalid: Expected parameters',
    );
    await expect(world.ask('run.list', { project: 'a\0b' })).rejects.toThrow('invalid: Expected no U+0000');
  });
});
