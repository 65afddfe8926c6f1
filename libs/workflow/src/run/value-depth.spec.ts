import { limits, tooDeep, type JsonObject, type JsonValue } from '@ryax/contracts';
import { noop, workflow as definition } from '../definition/spec-fixtures';
import { validateDefinition } from '../definition/validate';
import type { Plan, PlanValue } from '../definition/plan';
import { action, computed, expression, field, group, literal, ref, workflow } from './testing/plan-builder';
import { RunDriver } from './testing/run-driver';

const most = limits.valueDepth;
const hash = `sha256:${'a'.repeat(64)}`;

/** A value in so many lists. */
function nested(levels: number, inner: JsonValue = 1): JsonValue {
  let value = inner;
  for (let level = 0; level < levels; level++) value = [value];
  return value;
}

function wrapped(levels: number, inner: PlanValue): PlanValue {
  let value = inner;
  for (let level = 0; level < levels; level++) value = { type: 'list', items: [value] };
  return value;
}

function compiled(spec: JsonObject): Plan {
  const validation = validateDefinition(definition(spec), new Map());
  if (!validation.ok) throw new Error(JSON.stringify(validation.faults));
  return validation.plan;
}

describe('a value that a run makes', () => {
  it('fails the group whose outputs wrap those of the ones before it too often', () => {
    const groups = Array.from({ length: 50 }, (_, index) => ({
      id: `g${index}`,
      actions: [noop(`a${index}`)],
      outputs: { v: index === 0 ? 1 : nested(80, `=g${index - 1}.v`) },
      ...(index === 0 ? {} : { after: [`g${index - 1}`] }),
    }));
    const run = new RunDriver(compiled({ actions: groups })).start();
    for (let index = 0; run.events('RunFailed').length === 0 && index < groups.length; index++) run.run(`a${index}`);
    const failure = { kind: 'invalid', message: `outputs: v: ${tooDeep}` };
    expect(run.events('ExecutionFailed')).toMatchObject([{ execution: 'g7', failure }]);
    expect(run.events('RunFailed')).toMatchObject([{ execution: 'g7', failure }]);
  });

  it.each([
    ['as deep as a value may be', 0, undefined],
    ['deeper', 1, `inputs.v: ${tooDeep}`],
  ])('fails the execution whose input is %s: %i levels more', (_what, more, message) => {
    const plan = workflow({ actions: [action('a'), action('b', { inputs: { v: wrapped(more, ref('a.v')) } })] });
    const run = new RunDriver(plan)
      .start()
      .run('a', { v: nested(most) })
      .handOut('b');
    expect(run.events('ExecutionFailed')[0]?.failure.message).toBe(message);
    expect(run.outstanding()).toEqual(message === undefined ? ['b'] : []);
  });

  it('fails the run whose results are too deep, also by what is computed', () => {
    const v = expression(computed(['a.v'], (scope) => [field(scope, 'a.v')]));
    const run = new RunDriver(workflow({ actions: [action('a')], results: { v } }))
      .start()
      .run('a', { v: nested(most) });
    expect(run.events('RunFailed')).toMatchObject([
      { failure: { kind: 'invalid', message: `results: v: ${tooDeep}` } },
    ]);
  });

  it('fails the element of a collection, also in one another, that is too deep', () => {
    const inner = group('inner', {
      forEach: { type: 'list', items: [wrapped(1, ref('item'))] },
      actions: [action('b', { inputs: { n: expression(computed(['item'], () => 1)) } })],
    });
    const outer = group('outer', { forEach: literal([nested(most)]), actions: [inner] });
    const run = new RunDriver(workflow({ actions: [outer] })).start().handOut();
    expect(run.events('ExecutionFailed')[0]).toMatchObject({
      execution: 'b.0.0',
      failure: { kind: 'invalid', message: `inputs.n: ${tooDeep}` },
    });
  });

  it('is made of elements in elements as deep as a definition can nest them', () => {
    const around = (depth: number): JsonObject => ({
      id: `g${depth}`,
      for_each: [nested(70 - 2 * depth, depth === 0 ? 1 : '=item')],
      actions: [depth === 15 ? noop('a', { v: '=item' }) : around(depth + 1)],
    });
    const run = new RunDriver(compiled({ actions: [around(0)] })).start().handOut();
    expect(run.events('ExecutionFailed')[0]?.failure).toEqual({ kind: 'invalid', message: `inputs.v: ${tooDeep}` });
  });
});

describe('a value that is opened', () => {
  const reads = (root: string, seen: unknown[] = []) =>
    workflow({
      actions: [action('a'), action('b', { when: computed([root], (scope) => (seen.push(field(scope, root)), true)) })],
    });
  const reference = { $value: hash, size: 100_000 };

  it.each([most, 20_000])('fails what reads it where it is too deep by what it refers to: %i levels more', (levels) => {
    const run = new RunDriver(reads('a.v'));
    run.contents.set(hash, nested(levels));
    run.start().run('a', { v: nested(most, reference) });
    expect(run.events('ExecutionFailed')).toMatchObject([
      { execution: 'b', failure: { kind: 'invalid', message: `when: ${tooDeep}` } },
    ]);
    expect(run.events('RunFailed')).toHaveLength(1);
  });

  it('may be as deep as a value may be, also where it is read with all that stands around it', () => {
    const seen: unknown[] = [];
    const run = new RunDriver(reads('a', seen));
    run.contents.set(hash, nested(most));
    run.start().run('a', { v: reference });
    expect(seen).toEqual([{ v: nested(most) }]);
  });

  it('may lead from one reference to the next', () => {
    const seen: unknown[] = [];
    const run = new RunDriver(reads('a.v', seen));
    const other = `sha256:${'b'.repeat(64)}`;
    run.contents.set(hash, { inner: [{ $value: other, size: 1, path: ['x'] }] });
    run.contents.set(other, { x: { y: [7] } });
    run.start().run('a', { v: { ...reference, path: ['inner', 0, 'y'] } });
    expect(seen).toEqual([[7]]);
  });

  it('is the same as before where nothing had to be opened in it', () => {
    const seen: unknown[] = [];
    const same = { list: [1, { text: 'x' }], $value: 'no reference' };
    const run = new RunDriver(reads('a.v', seen));
    run.contents.set(hash, [2]);
    run.start().run('a', { v: { same, other: [0, reference, null] } });
    expect(seen).toEqual([{ same, other: [0, [2], null] }]);
    expect((seen[0] as JsonObject).same).toBe(same);
  });
});

describe('references in what references lead to', () => {
  it('are opened once, however many ways lead to them', () => {
    const levels = 12;
    const name = (level: number) => `sha256:${String(level).padStart(64, '0')}`;
    const to = (level: number): JsonObject => ({ $value: name(level), size: 100_000 });
    const sizes: unknown[] = [];
    const when = computed(['a.v'], (scope) => {
      const found = field(scope, 'a.v');
      return sizes.push(Array.isArray(found) && found.length) > 0;
    });
    const run = new RunDriver(workflow({ actions: [action('a'), action('b', { when })] }));
    run.contents.set(name(0), 1);
    for (let level = 1; level <= levels; level++)
      run.contents.set(name(level), [to(level - 1), to(level - 1), [to(level - 1)]]);
    const opened = jest.spyOn(run.contents, 'get');
    run.start().run('a', { v: to(levels) });
    expect(sizes).toEqual([3]);
    // At each of two depths a level, each time that it is decided again with one more at hand; not 3 ** levels times.
    expect(opened.mock.calls.length).toBeLessThan(2 * levels ** 3);
  });
});
