import { graphOfTrace, listScheduleSeconds, lowerBoundSeconds, parseTrace, scaledTo, type Trace } from './traces';

const task = (id: string, seconds: number, parents: readonly string[] = []) => ({ id, seconds, parents });

/** A path of 6 s beside three tasks of 2 s; 12 s of work. */
const trace: Trace = {
  name: 'small',
  tasks: [task('c', 3, ['b']), task('x', 2), task('y', 2), task('z', 2), task('a', 1), task('b', 2, ['a'])],
};

describe('a recorded workflow', () => {
  it('joins what is to run with how long it took', () => {
    const specification = { tasks: [{ id: 'a', parents: [] }] };
    const execution = { tasks: [{ id: 'a', runtimeInSeconds: 1.5 }] };
    expect(parseTrace('one', { workflow: { specification, execution } }).tasks).toEqual([task('a', 1.5)]);
    expect(() => parseTrace('one', { workflow: { specification, execution: { tasks: [] } } })).toThrow(
      'one: expected a time of task a, found none',
    );
  });

  it.each([
    [1, 12],
    [2, 6],
    [8, 6],
  ])('takes on %d slots no less than %d s', (slots, seconds) => {
    expect(lowerBoundSeconds(trace, slots)).toBe(seconds);
  });

  it('keeps its shape when it is scaled', () => {
    const scaled = scaledTo(trace, 2, 0.6);
    expect(lowerBoundSeconds(scaled, 2)).toBeCloseTo(0.6);
    expect(scaled.tasks.map(({ seconds }) => seconds)).toEqual([0.3, 0.2, 0.2, 0.2, 0.1, 0.2]);
  });

  it('becomes naps that wait for each other', () => {
    const { parents, definition } = graphOfTrace(trace, 'w');
    expect(parents.get('task_0')).toEqual(['task_5']);
    expect(definition).toMatchObject({ spec: { id: 'w', actions: { length: 6, 0: { inputs: { ms: 3000 } } } } });
  });

  it('takes a schedule that looks ahead no longer than the bound where there is one', () => {
    expect(listScheduleSeconds(trace, 2, 'longest-path-first')).toBe(6);
    // By count its last task is as urgent as a lone one that was ready before it.
    expect(listScheduleSeconds(trace, 2, 'most-tasks-first')).toBe(7);
    expect(listScheduleSeconds(trace, 2, 'first-ready')).toBe(8);
    expect(listScheduleSeconds(trace, 1, 'first-ready')).toBe(12);
  });
});
