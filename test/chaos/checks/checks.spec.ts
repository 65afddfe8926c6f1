import type { JsonObject } from '@ryax/contracts';
import type { Shape } from '../shape';
import { shapes } from '../shapes';
import { judge, streamOf, type Evidence, type LoggedEvent, type Violation } from '.';

const shape = (id: string): Shape => {
  const found = shapes.find((each) => each.id === id);
  if (found === undefined) throw new Error(`Expected a shape ${id}, found none`);
  return found;
};

/** Events of one stream, in short: type and data. */
type Told = readonly [type: string, data?: LoggedEvent['data']];

const scheduled = (execution: string, attempt = 1): Told => ['ExecutionScheduled', { execution, attempt }];
const succeeded = (execution: string, attempt = 1): Told => ['ExecutionSucceeded', { execution, attempt }];
const failed = (execution: string, kind: string, attempt = 1, will_retry = false): Told => [
  'ExecutionFailed',
  { execution, attempt, will_retry, failure: { kind } },
];
const handedOut = (...executions: string[]) => executions.flatMap((id) => [scheduled(id), succeeded(id)]);
const sum = (value: number): Told => ['RunSucceeded', { results: { sum: value } }];

/** A chain with n = 5, as it should be. */
const soundChain: readonly Told[] = [['RunStarted'], ...handedOut('a', 'b', 'c', 'd'), sum(15)];

function log(told: readonly Told[], runId = 'r1'): LoggedEvent[] {
  return told.map(([type, data = {}], index) => ({
    position: index + 1,
    stream: streamOf(runId),
    version: index + 1,
    type,
    data,
    recordedAt: index,
  }));
}

/** What a campaign of one run would have found, unless told otherwise: nothing wrong beside the log. */
function evidence(events: readonly LoggedEvent[], rest: Partial<Evidence> = {}): Evidence {
  const end = events.find(({ type }) => /^Run(Succeeded|Failed|Cancelled)$/.test(type));
  const attempts = events.filter(({ type }) => type === 'ExecutionScheduled');
  const journal = attempts.map(({ data }) => ({
    run: 'r1',
    execution: data.execution ?? '',
    attempt: data.attempt ?? 0,
    process: 'p1',
  }));
  return {
    runs: [{ runId: 'r1', shape: shape('chain'), inputs: { n: 5 } }],
    events,
    journal: journal.filter((line, index) => journal.findIndex((each) => isSame(each, line)) === index),
    heard: events,
    runRows: end === undefined ? [] : [{ runId: 'r1', state: end.type.slice(3).toLowerCase() }],
    live: { runs: ['{"run": "r1"}'] },
    rebuilt: { runs: ['{"run": "r1"}'] },
    ...rest,
  };
}

const isSame = (one: object, other: object) => JSON.stringify(one) === JSON.stringify(other);

const found = (given: Evidence): string[] =>
  judge(given).map(({ category, what }: Violation) => `${category}: ${what}`);

const foundIn = (told: readonly Told[], shapeId = 'chain', inputs: JsonObject = { n: 5 }) =>
  found(evidence(log(told), { runs: [{ runId: 'r1', shape: shape(shapeId), inputs }] }));

describe('the checks of a campaign', () => {
  it('find nothing where nothing is wrong', () => {
    expect(found(evidence(log(soundChain)))).toEqual([]);
  });

  describe('of an accepted run', () => {
    it('find one that the log does not have', () => {
      expect(found(evidence([]))).toEqual(['lost: it was accepted, and the log does not have it']);
    });

    it('find one that has not ended', () => {
      expect(foundIn(soundChain.slice(0, -1))).toEqual([
        'stuck: it has not ended; its last event is ExecutionSucceeded',
      ]);
    });

    it('find another end than its definition implies', () => {
      const told = [...soundChain.slice(0, -1), ['RunFailed', { failure: { kind: 'lost' }, execution: 'd' }] as const];
      expect(foundIn(told)).toEqual([expect.stringContaining('wrong: expected it to be succeeded, found failed')]);
    });

    it('find another result than its definition implies', () => {
      expect(foundIn([...soundChain.slice(0, -1), sum(14)])).toEqual([
        'wrong: expected results {"sum":15}, found {"sum":14}',
      ]);
    });

    it('find another cause of a failure than its definition implies', () => {
      const told: Told[] = [
        ['RunStarted'],
        ...handedOut('first'),
        scheduled('no'),
        failed('no', 'crash'),
        ['RunFailed', { failure: { kind: 'crash' }, execution: 'no' }],
      ];
      expect(foundIn(told, 'refuses')).toEqual([expect.stringContaining('wrong: expected it to fail by')]);
    });

    it('find an event after its end', () => {
      expect(foundIn([...soundChain, succeeded('d', 2)])).toContain(
        'wrong: after RunSucceeded came ExecutionSucceeded',
      );
    });

    it('find a gap in its versions, and a version that is there twice', () => {
      const events = log(soundChain);
      expect(found(evidence(events.filter(({ version }) => version !== 3)))).toContain(
        'wrong: expected version 3, found 4',
      );
      const twice = events.flatMap((event) => (event.version === 3 ? [event, event] : [event]));
      expect(found(evidence(twice))).toContain('wrong: expected version 4, found 3');
    });
  });

  describe('of edges', () => {
    it('find what began before what it waits for had ended', () => {
      const told: Told[] = [
        ['RunStarted'],
        scheduled('a'),
        scheduled('b'),
        succeeded('a'),
        succeeded('b'),
        ...handedOut('c', 'd'),
        sum(15),
      ];
      expect(foundIn(told)).toEqual(['wrong: b began before a had ended']);
    });

    it('find what began although what it waits for never ended', () => {
      const told: Told[] = [['RunStarted'], scheduled('a'), ...handedOut('b', 'c', 'd'), sum(15)];
      expect(foundIn(told)).toContain('wrong: b began, and a never ended');
    });

    it('let the elements of a group go their own ways, and find one that overtakes itself', () => {
      const join: Told[] = [
        ['CollectionClosed', { execution: 'station' }],
        ...handedOut('join'),
        ['RunSucceeded', { results: { values: [3, 4] } }],
      ];
      const sound = [...handedOut('fetch.0', 'clean.0', 'fetch.1', 'clean.1')];
      const early = [...handedOut('fetch.0', 'clean.1', 'fetch.1', 'clean.0')];
      const inputs = { items: [1, 2] };
      expect(foundIn([['RunStarted'], ...sound, ...join], 'groups', inputs)).toEqual([]);
      expect(foundIn([['RunStarted'], ...early, ...join], 'groups', inputs)).toEqual([
        'wrong: clean.1 began before fetch.1 had ended',
      ]);
    });

    it('let finally begin where nothing else had begun, and find it beside what still runs', () => {
      const end: Told[] = [...handedOut('tidy'), ['RunCancelled']];
      expect(foundIn([['RunStarted'], ...end], 'cancelled-at-work')).toEqual([]);
      const waitsForItsNext = [scheduled('endless'), failed('endless', 'lost', 1, true)];
      expect(foundIn([['RunStarted'], ...waitsForItsNext, ...end], 'cancelled-at-work')).toEqual([]);
      expect(foundIn([['RunStarted'], scheduled('endless'), ...end], 'cancelled-at-work')).toContain(
        'wrong: tidy began before endless had ended',
      );
    });
  });

  describe('of what had to begin', () => {
    const doomed = [
      ...[scheduled('doomed'), failed('doomed', 'crash', 1, true)],
      ...[scheduled('doomed', 2), failed('doomed', 'crash', 2)],
    ];
    const gaveUp: Told = ['RunFailed', { failure: { kind: 'crash' }, execution: 'doomed' }];

    it('find a finally that was left out, or did not succeed', () => {
      expect(foundIn([['RunStarted'], ...doomed, ...handedOut('tidy'), gaveUp], 'gives-up')).toEqual([]);
      expect(foundIn([['RunStarted'], ...doomed, gaveUp], 'gives-up')).toEqual(['wrong: tidy did not succeed']);
      const tidy = [scheduled('tidy'), failed('tidy', 'crash')];
      expect(foundIn([['RunStarted'], ...doomed, ...tidy, gaveUp], 'gives-up')).toEqual([
        'wrong: tidy did not succeed',
      ]);
    });

    it('find what began after the failure of what it waits for', () => {
      const told = [...doomed, ...handedOut('never'), ...handedOut('tidy'), gaveUp];
      expect(foundIn([['RunStarted'], ...told], 'gives-up')).toContain('wrong: never began, which it must not');
    });

    it('find what began although its condition was not met', () => {
      const results = { value: 7, right: 'skipped', added: 0 };
      const told = [...handedOut('top', 'left', 'right', 'bottom'), ['RunSucceeded', { results }] as const];
      expect(foundIn([['RunStarted'], ...told], 'diamond')).toEqual(['wrong: right began, which it must not']);
    });

    it.each([
      ['never began', ['each.0'], 1],
      ['is one too many', ['each.0', 'each.1', 'each.2'], 3],
    ])('find an element of a for_each that %s', (_name, elements, begun) => {
      const end: Told = ['RunSucceeded', { results: { values: [8, 9] } }];
      const closed: Told = ['CollectionClosed', { execution: 'each' }];
      const told: Told[] = [['RunStarted'], ...handedOut(...elements), closed, ...handedOut('join'), end];
      expect(foundIn(told, 'fan', { items: [1, 2] })).toContain(`wrong: expected 2 elements of each, found ${begun}`);
    });
  });

  describe('of attempts', () => {
    it('find one that was still open when its run ended, also where another attempt had an end', () => {
      const open = [scheduled('a'), scheduled('a', 2), succeeded('a', 2)];
      expect(foundIn([['RunStarted'], ...open, ...handedOut('b', 'c', 'd'), sum(15)])).toEqual([
        "wrong: attempt a#1 was still open at the run's end",
      ]);
    });

    it('find one that was recorded twice', () => {
      const told: Told[] = [['RunStarted'], scheduled('a'), ...handedOut('a', 'b', 'c', 'd'), sum(15)];
      expect(foundIn(told)).toEqual(['wrong: attempt a#1 was handed out more than once']);
    });

    it('find one that ended twice, and so an execution that succeeded twice', () => {
      const told: Told[] = [['RunStarted'], ...handedOut('a'), succeeded('a'), ...handedOut('b', 'c', 'd'), sum(15)];
      expect(foundIn(told)).toEqual(['wrong: attempt a#1 ended more than once', 'wrong: a succeeded more than once']);
    });

    it('find one that ended and was never handed out', () => {
      const told: Told[] = [['RunStarted'], succeeded('a'), ...handedOut('b', 'c', 'd'), sum(15)];
      expect(foundIn(told)).toContain('wrong: attempt a#1 ended unscheduled');
    });

    it('take a lost one with its retry for what it is', () => {
      const lost = [scheduled('a'), failed('a', 'lost', 1, true), scheduled('a', 2), succeeded('a', 2)];
      expect(foundIn([['RunStarted'], ...lost, ...handedOut('b', 'c', 'd'), sum(15)])).toEqual([]);
    });
  });

  describe('of the journal', () => {
    const line = (execution: string, attempt = 1, process = 'p1') => ({ run: 'r1', execution, attempt, process });
    const all = ['a', 'b', 'c', 'd'].map((execution) => line(execution));

    it('find an attempt that had its effect twice, and in which processes', () => {
      const journal = [...all, line('b', 1, 'p2')];
      expect(judge(evidence(log(soundChain), { journal }))).toEqual([
        {
          category: 'duplicate effect',
          subject: 'run:default:r1 b#1',
          what: 'it has had its effect more than once, in processes p1 and p2',
        },
      ]);
    });

    it('find an effect of an attempt that the log does not have', () => {
      expect(found(evidence(log(soundChain), { journal: [...all, line('b', 2)] }))).toEqual([
        'wrong: it has had an effect that no log knows of',
      ]);
    });

    it('find a recorded success that had no effect', () => {
      expect(found(evidence(log(soundChain), { journal: all.slice(1) }))).toEqual([
        'wrong: it is recorded as a success and has had no effect',
      ]);
    });
  });

  describe('of what readers were told', () => {
    const events = log(soundChain);
    it('find a run that the read model shows otherwise than the log', () => {
      expect(found(evidence(events, { runRows: [{ runId: 'r1', state: 'running' }] }))).toEqual([
        'wrong: expected succeeded in the read model of runs, found running',
      ]);
    });

    it('find a table that a rebuild makes otherwise', () => {
      expect(found(evidence(events, { rebuilt: { runs: ['{"run": "r2"}'] } }))).toEqual([
        expect.stringContaining('wrong: a rebuild makes other rows of it (1, live 1)'),
      ]);
    });
  });

  it('find a run that nobody has asked for', () => {
    const given = evidence([...log(soundChain), ...log(soundChain, 'r2')]);
    expect(found(given)).toContain('wrong: nobody has asked for this run');
  });
});
