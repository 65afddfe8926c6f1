import { limits, tooLarge, type JsonValue } from '@ryax/contracts';
import { action, computed, expression, field, ref, workflow } from './testing/plan-builder';
import { RunDriver } from './testing/run-driver';

const hashOf = (index: number) => `sha256:${String(index).padStart(64, 'a')}`;
const referenceTo = (index: number) => ({ $value: hashOf(index), size: 100_000 });

/** Each of the contents refers twice to the one before it. @returns a reference to the last */
function doubling(run: RunDriver, times: number, innermost: JsonValue): JsonValue {
  run.contents.set(hashOf(0), innermost);
  for (let index = 1; index <= times; index++) {
    run.contents.set(hashOf(index), { a: referenceTo(index - 1), b: referenceTo(index - 1) });
  }
  return referenceTo(times);
}

describe('a value that doubles with each reference in it', () => {
  it('fails what reads it, before anything walks all of it', () => {
    const seen: unknown[] = [];
    const when = computed(['a.v'], (scope) => (seen.push(field(scope, 'a.v')), true));
    const run = new RunDriver(workflow({ actions: [action('a'), action('b', { when })] }));
    run.start().run('a', { v: doubling(run, 60, 'text') });

    expect(run.events('ExecutionFailed')).toMatchObject([
      { execution: 'b', failure: { kind: 'invalid', message: `when: ${tooLarge}` } },
    ]);
    expect(seen).toEqual([]);
  });

  it('is read where there is little of it', () => {
    const when = computed(['a.v'], (scope) => JSON.stringify(field(scope, 'a.v')).length > 10_000);
    const run = new RunDriver(workflow({ actions: [action('a'), action('b', { when })] }));
    run
      .start()
      .run('a', { v: doubling(run, 10, 'text') })
      .handOut('b');

    expect(run.outstanding()).toEqual(['b']);
  });

  it('is passed on as the reference that it is', () => {
    const run = new RunDriver(workflow({ actions: [action('a'), action('b', { inputs: { v: ref('a.v') } })] }));
    const last = doubling(run, 60, 'text');
    run.start().run('a', { v: last }).handOut('b');

    expect(run.inputsOf('b')).toEqual({ v: last });
  });
});

describe('values that a run makes', () => {
  const half = computed(['a.v'], (scope) => field(scope, 'a.v'));

  it('fail it where they are too large together', () => {
    const results = { v: expression(half), w: expression(half) };
    const run = new RunDriver(workflow({ actions: [action('a')], results }));
    run.contents.set(hashOf(0), 'x'.repeat(limits.valueBytes / 2));
    run.start().run('a', { v: referenceTo(0) });

    expect(run.events('RunFailed')).toMatchObject([{ failure: { kind: 'invalid', message: `results: ${tooLarge}` } }]);
  });

  it('fail it by the one that is too large by itself', () => {
    const part = 'x'.repeat(limits.valueBytes / 2);
    const v = expression(computed(['a.v'], (scope) => [field(scope, 'a.v'), field(scope, 'a.v')]));
    const run = new RunDriver(workflow({ actions: [action('a')], results: { v } }));
    run.contents.set(hashOf(0), part);
    run.start().run('a', { v: referenceTo(0) });

    expect(run.events('RunFailed')).toMatchObject([
      { failure: { kind: 'invalid', message: `results: v: ${tooLarge}` } },
    ]);
  });
});
