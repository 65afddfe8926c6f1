import { checkRuns } from './checks';
import { chain } from './definitions';
import type { LoggedEvent } from './log-view';

const graph = chain('two', 2, 'noop');

/** A run's history, given as `type execution` in order. */
function history(runId: string, steps: readonly string[]): LoggedEvent[] {
  return steps.map((step, index) => {
    const [type = '', execution] = step.split(' ');
    return { runId, version: index + 1, type, data: execution === undefined ? {} : { execution }, recordedAt: index };
  });
}

const sound = [
  'RunStarted',
  'ExecutionScheduled s0',
  'ExecutionSucceeded s0',
  'ExecutionScheduled s1',
  'ExecutionSucceeded s1',
  'RunSucceeded',
];
const without = (left: string) => sound.filter((step) => step !== left);

function check(histories: Readonly<Record<string, readonly string[]>>, runIds = Object.keys(histories)): Promise<void> {
  const all = Object.entries(histories).flatMap(([runId, steps]) => history(runId, steps));
  const log = { events: (ids: readonly string[]) => Promise.resolve(all.filter(({ runId }) => ids.includes(runId))) };
  return checkRuns(log, graph, runIds);
}

describe('a check of runs', () => {
  it('is content with runs that did everything once and in order', async () => {
    await expect(check({ r1: sound, r2: sound })).resolves.toBeUndefined();
  });

  it('finds a run that is missing', async () => {
    await expect(check({ r1: sound }, ['r1', 'r2'])).rejects.toThrow(
      'Run r2 of two: expected RunSucceeded as its last event, found none',
    );
  });

  it('finds two submissions that were given the same run', async () => {
    await expect(check({ r1: sound }, ['r1', 'r1'])).rejects.toThrow("expected each run's id to be its own");
  });

  it('finds a run that has not ended', async () => {
    await expect(check({ r1: without('RunSucceeded') })).rejects.toThrow('found ExecutionSucceeded');
  });

  it('finds an action that started before what it waits for had ended', async () => {
    const early = [...sound];
    [early[2], early[3]] = [sound[3] ?? '', sound[2] ?? ''];
    await expect(check({ r1: early })).rejects.toThrow('expected s1 after s0');
  });

  it.each(['ExecutionScheduled s0', 'ExecutionSucceeded s1'])('finds that %s is missing', async (left) => {
    await expect(check({ r1: without(left) })).rejects.toThrow('to run exactly once');
  });

  it.each(['ExecutionScheduled s1', 'ExecutionSucceeded s0'])('finds that %s is repeated', async (repeated) => {
    const twice = [...sound.slice(0, -1), repeated, 'RunSucceeded'];
    await expect(check({ r1: twice })).rejects.toThrow('to run exactly once');
  });

  it('finds an action that nobody asked for', async () => {
    const more = [...sound.slice(0, -1), 'ExecutionScheduled s2', 'ExecutionSucceeded s2', 'RunSucceeded'];
    await expect(check({ r1: more })).rejects.toThrow('expected 2 actions, found 3');
  });
});
