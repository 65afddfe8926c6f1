import fc from 'fast-check';
import { demandOf, plainDemand, type Demand } from '../placement';
import { findInstance } from './names';
import { firstReady, readyWork } from './queries';
import { restore, snapshot } from './snapshot';
import { action, literal, workflow } from './testing/plan-builder';
import { RunDriver } from './testing/run-driver';
import { waitReason } from './wait-reason';

const gpu = { gpu: 1 };
const onGpu = { constraints: { pool: 'gpu' } };
const names = (found: readonly { readonly execution: string }[]) => found.map(({ execution }) => execution);

describe('ready work that asks for different things', () => {
  const plan = workflow({
    actions: [
      action('first', { resources: gpu }),
      action('second'),
      action('third', { resources: gpu }),
      action('end', { after: ['third'] }),
      action('elsewhere', onGpu),
    ],
  });

  it('is handed out of a lane in one order, whatever it takes of a node', () => {
    const { state } = new RunDriver(plan).start();
    expect(names(firstReady(state, plainDemand.lane, 9, () => true))).toEqual(['third', 'first', 'second']);
    expect(names(firstReady(state, plainDemand.lane, 2, () => true))).toEqual(['third', 'first']);
  });

  it('is passed over, with all that asks for the same, where there is no place for it', () => {
    const { state } = new RunDriver(plan).start();
    const asked: Demand[] = [];
    const place = (demand: Demand) => {
      asked.push(demand);
      return demand.gpu > 0 ? undefined : 'here';
    };
    expect(firstReady(state, plainDemand.lane, 9, place)).toMatchObject([{ execution: 'second', place: 'here' }]);
    expect(asked).toHaveLength(2);
    expect(names(firstReady(state, plainDemand.lane, 9, () => true))).toEqual(['third', 'first', 'second']);
  });

  it('is asked for a place one by one, in its order, and never more often than there is room', () => {
    const list = workflow({ actions: [action('list', { forEach: literal([1, 2, 3, 4]) })] });
    const run = new RunDriver(list).start().handOut('list.1');
    let room = 2;
    const found = firstReady(run.state, plainDemand.lane, 9, () => (room-- > 0 ? true : undefined));
    expect([names(found), room]).toEqual([['list.0', 'list.2'], -1]);
  });

  it('asks for more memory after it had run out of it, also after a snapshot', () => {
    const one = workflow({
      actions: [action('a', { retry: { maxAttempts: 2 }, resources: { memory_bytes: 100, cpu: 2 } })],
    });
    const run = new RunDriver(one).start().handOut('a');
    run.fail('a', { kind: 'out-of-memory', details: { memory_bytes: 100 } });
    run.wakeAt(run.now + 1_000);
    const grown = [{ demand: demandOf({}, { memory_bytes: 200, cpu: 2 }, null), count: 1 }];
    expect(readyWork(run.state)).toEqual(grown);
    run.state = restore(one, JSON.parse(JSON.stringify(snapshot(run.state))));
    expect(readyWork(run.state)).toEqual(grown);
    run.handOut('a');
    expect([readyWork(run.state), run.attempts()]).toMatchObject([[], [{ demand: grown[0]?.demand }]]);
  });

  it('takes of each lane what is ready, each once, the highest first, as far as there is room', () => {
    const entries = fc.array(
      fc.record({ cpu: fc.integer({ min: 0, max: 2 }), length: fc.integer({ min: 1, max: 3 }) }),
      {
        minLength: 1,
        maxLength: 8,
      },
    );
    fc.assert(
      fc.property(entries, fc.integer({ min: 0, max: 20 }), fc.integer({ min: 0, max: 2 }), (shape, limit, without) => {
        const run = new RunDriver(
          workflow({
            actions: shape.map(({ cpu, length }, at) =>
              action(`a${at}`, { resources: { cpu }, forEach: literal(Array.from({ length }, () => null)) }),
            ),
          }),
        ).start();
        const all = names(firstReady(run.state, plainDemand.lane, Infinity, () => true));
        const cpuOf = (execution: string) => findInstance(run.state, execution)?.entry.demand.cpu;
        const place = ({ cpu }: Demand) => (cpu === without ? undefined : true);
        const taken = names(firstReady(run.state, plainDemand.lane, limit, place));
        expect(taken).toEqual(all.filter((execution) => cpuOf(execution) !== without).slice(0, limit));
        expect(names(firstReady(run.state, plainDemand.lane, Infinity, () => true))).toEqual(all);
      }),
    );
  });
});

describe('work that no pool can run', () => {
  it('fails without an attempt when it is refused, if it is still ready', () => {
    const run = new RunDriver(
      workflow({ actions: [action('a', onGpu), action('b', { onFailure: 'continue' })] }),
    ).start();
    run.handOut('b');
    const failure = { kind: 'rejected', message: 'No pool can run it' } as const;
    run.handle({ type: 'refuse', executions: ['b', 'a', 'stranger'], failure });
    expect(run.events('ExecutionFailed')).toEqual([
      { execution: 'a', attempt: null, failure, will_retry: false, executor: null, duration_ms: null },
    ]);
    run.confirmCancelled('b');
    expect(run.state.end).toMatchObject({ execution: 'a', failure });
  });

  it('is told so while it waits, where pools are known, and what they lack', () => {
    const { state } = new RunDriver(workflow({ actions: [action('a', onGpu)] })).start();
    const traits = {
      architecture: 'amd64',
      scores: { time: 50, cost: 50, energy: 50 },
      timeLimitMs: null,
      node: { cpu: 1, memory_bytes: 1, gpu: 0 },
    };
    const pools = (...found: readonly string[]) => found.map((name) => ({ site: 's', name, traits }));
    const why = (...found: readonly string[]) => waitReason(state, 'a', pools(...found))?.message;
    expect(waitReason(state, 'a')?.message).toBe('is ready and waits for a free slot of pool gpu');
    expect(why('gpu', 'cpu')).toBe('is ready and waits for a free slot of pool gpu in s/gpu');
    expect(why('cpu')).toBe(
      'is ready and waits for a free slot of pool gpu, and no pool can run it: s/cpu is asked for the pool gpu where it has cpu',
    );
    expect(why()).toMatch(/no pool can run it: none is known$/);
  });
});
