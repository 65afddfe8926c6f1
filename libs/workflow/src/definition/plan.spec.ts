import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JsonObject } from '@ryax/contracts';
import { load } from 'js-yaml';
import type { Plan, PlanEntry } from './plan';
import { catalogue, noop, split, trigger, workflow } from './spec-fixtures';
import { validateDefinition } from './validate';

function planOf(definition: unknown): Plan {
  const validation = validateDefinition(definition, catalogue);
  if (!validation.ok) throw new Error(JSON.stringify(validation.faults));
  return validation.plan;
}

function entryOf(plan: Plan, id: string): PlanEntry {
  const entry = plan.entryById.get(id);
  if (entry === undefined) throw new Error(`Expected an entry ${id}`);
  return entry;
}

/** Ids instead of numbers, so that a spec can be read. */
function names(plan: Plan, numbers: readonly number[]): readonly (string | undefined)[] {
  return numbers.map((number) => plan.entries[number]?.id);
}

const plan = (...actions: JsonObject[]): Plan => planOf(workflow({ trigger, actions }));

describe('the example of the documentation', () => {
  const page = readFileSync(join(__dirname, '../../../../docs/definition.md'), 'utf8');
  const quakes = planOf(load(/```yaml\n(.*?)```/s.exec(page)?.[1] ?? ''));

  it('has its entries in an order in which they can run', () => {
    expect(quakes.workflowId).toBe('quakes');
    expect(names(quakes, quakes.main.entries)).toEqual(['split', 'fit', 'alarm', 'report']);
    expect(names(quakes, quakes.main.roots)).toEqual(['split']);
    expect(names(quakes, quakes.finally.entries)).toEqual(['tidy']);
    expect(names(quakes, quakes.finally.roots)).toEqual(['tidy']);
  });

  it('derives what waits for what, and what is skipped with what', () => {
    const links = quakes.entries.map(({ id, dependencies, dependents, skipsWith }) => ({
      id,
      waitsFor: names(quakes, dependencies),
      lets: names(quakes, dependents),
      skipsWith: names(quakes, skipsWith),
    }));
    expect(links).toEqual([
      { id: 'split', waitsFor: [], lets: ['fit'], skipsWith: [] },
      { id: 'fit', waitsFor: ['split'], lets: ['alarm', 'report'], skipsWith: ['split'] },
      { id: 'alarm', waitsFor: ['fit'], lets: ['report'], skipsWith: [] },
      { id: 'report', waitsFor: ['fit', 'alarm'], lets: [], skipsWith: ['fit'] },
      { id: 'tidy', waitsFor: [], lets: [], skipsWith: [] },
    ]);
  });

  it('parses settings and puts in defaults', () => {
    expect(entryOf(quakes, 'fit')).toMatchObject({
      kind: 'action',
      depth: 1,
      parent: null,
      inFinally: false,
      forEach: { concurrency: 1000, minSuccess: 0 },
      retry: {
        maxAttempts: 3,
        initialIntervalMs: 1000,
        maxIntervalMs: 30_000,
        multiplier: 2,
        on: new Set(['crash', 'timeout']),
      },
      timeoutMs: 120_000,
      resources: { cpu: 0.5, memory_bytes: 268_435_456, time_ms: 60_000 },
      demand: { lane: { isPlain: true }, cpu: 0.5, memory_bytes: 268_435_456, gpu: 0, timeMs: 60_000 },
      onFailure: 'continue',
      action: { type: 'handler', content_hash: `sha256:${'0'.repeat(64)}` },
    });
    expect(entryOf(quakes, 'split')).toMatchObject({
      retry: { maxAttempts: 1 },
      timeoutMs: 60_000,
      onFailure: 'fail',
      depth: 0,
    });
    expect(entryOf(quakes, 'tidy')).toMatchObject({ inFinally: true, timeoutMs: null });
    expect(quakes).toMatchObject({ timeoutMs: null, finallyTimeoutMs: 600_000 });
  });

  it('gives every declared input a value', () => {
    const { inputs } = entryOf(quakes, 'fit');
    expect(Object.keys(inputs)).toEqual(['region', 'events', 'bins']);
    expect(inputs.bins).toMatchObject({ value: { type: 'literal', value: 10 }, declaration: { type: 'integer' } });
  });

  it('evaluates what it compiled', () => {
    const fit = [null, { b_value: 0.5, events_used: 3, plot: null }];
    expect(entryOf(quakes, 'alarm').when?.evaluate({ fit })).toEqual({ ok: true, value: true });
    const { value } = entryOf(quakes, 'report').inputs.alarmed ?? { value: { type: 'literal' } };
    expect(value.type === 'expression' && value.expression.evaluate({ state: { alarm: 'skipped' } })).toEqual({
      ok: true,
      value: false,
    });
    expect(quakes.results.report).toMatchObject({ type: 'expression', expression: { path: ['report', 'document'] } });
  });
});

describe('what is skipped with what', () => {
  const skipsWith = (...actions: JsonObject[]): unknown => {
    const compiled = plan(...actions);
    return names(compiled, entryOf(compiled, 'x').skipsWith);
  };
  const maybe = split({ id: 'maybe', when: '=trigger.rounds > 1' });

  it.each<[string, JsonObject, string[]]>([
    [
      'a required input that is a plain reference',
      split({ id: 'x', inputs: { catalogue: '=trigger.catalogue', min_magnitude: '=maybe.count' } }),
      ['maybe'],
    ],
    ['an input that nobody declares', noop('x', { a: '=maybe.count' }), ['maybe']],
    ['the list of a for_each', noop('x', {}, { for_each: '=maybe.regions' }), ['maybe']],
    ['a condition that is a plain reference', noop('x', {}, { when: '=maybe.regions' }), ['maybe']],
    [
      'an optional input',
      split({ id: 'x', inputs: { catalogue: '=trigger.catalogue', min_magnitude: 1, label: '=maybe.title' } }),
      [],
    ],
    [
      'an input with a default',
      {
        id: 'x',
        action: 'gutenberg-richter@1.0',
        inputs: { region: 'a', events: '=trigger.catalogue', bins: '=maybe.count' },
      },
      [],
    ],
    ['a computed input: it sees the null', noop('x', { a: '=maybe == null', b: '=[maybe.count]' }), []],
    ['an object with a reference inside', noop('x', { a: { b: '=maybe.count' } }), []],
    ['a state', noop('x', { a: '=state.maybe' }), []],
    ['only waiting', noop('x', {}, { after: ['maybe'] }), []],
  ])('%s', (_, x, skips) => {
    expect(skipsWith(maybe, x)).toEqual(skips);
  });

  it('a group, for what it cannot do without inside', () => {
    expect(skipsWith(maybe, { id: 'x', actions: [{ id: 'y', actions: [noop('z', { a: '=maybe.count' })] }] })).toEqual([
      'maybe',
    ]);
  });
});

describe('what may be null', () => {
  const compare = (more: JsonObject): unknown => {
    const definition = workflow({ trigger, actions: [split(more), noop('x', { a: '=split.count == null' })] });
    const validation = validateDefinition(definition, catalogue);
    return validation.ok ? 'may be null' : validation.faults[0]?.reason;
  };

  it('is what may be skipped, and what may fail quietly', () => {
    expect(compare({ when: '=trigger.rounds > 1' })).toBe('may be null');
    expect(compare({ on_failure: 'continue' })).toBe('may be null');
  });

  it('is not what has succeeded whenever it is read', () => {
    expect(compare({})).toBe('cannot compute int == null');
  });

  it('is everything in finally', () => {
    const definition = workflow({
      trigger,
      actions: [split()],
      finally: [noop('tidy', { a: '=split == null ? 0 : split.count' })],
    });
    expect(planOf(definition).entryById.get('tidy')?.dependencies).toEqual([]);
  });
});

describe('groups', () => {
  const nested = plan(
    noop('list', { values: [1, 2] }),
    noop('late', {}, { after: ['g'] }),
    {
      id: 'g',
      for_each: '=list.values',
      actions: [
        noop('second', { x: '=first.y', outer: '=item' }),
        noop('first', { y: '=item' }),
        {
          id: 'h',
          for_each: { in: '=first.y', concurrency: 5, min_success: 0.5 },
          actions: [noop('deep', { x: '=item', y: '=list.values' })],
          outputs: { x: '=deep.x' },
        },
      ],
      outputs: { all: '=h', one: '=second.x' },
    },
    noop('after_g', { x: '=g', y: '=g.map(e, e.one)' }),
  );

  it('number their content after themselves', () => {
    expect(nested.entries.map(({ id }) => id)).toEqual([
      'list',
      'late',
      'g',
      'second',
      'first',
      'h',
      'deep',
      'after_g',
    ]);
    expect(nested.entries.map(({ number }) => number)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });

  it('are DAGs of their own', () => {
    expect(names(nested, nested.main.entries)).toEqual(['list', 'g', 'late', 'after_g']);
    const { content } = entryOf(nested, 'g');
    expect(names(nested, content?.entries ?? [])).toEqual(['first', 'second', 'h']);
    expect(names(nested, content?.roots ?? [])).toEqual(['first']);
  });

  it('wait for what their content reads from outside', () => {
    expect(names(nested, entryOf(nested, 'g').dependencies)).toEqual(['list']);
    expect(names(nested, entryOf(nested, 'deep').dependencies)).toEqual([]);
    expect(names(nested, entryOf(nested, 'late').dependencies)).toEqual(['g']);
  });

  it('give an execution one index for each for_each around it', () => {
    expect(Object.fromEntries(nested.entries.map(({ id, depth }) => [id, depth]))).toEqual({
      list: 0,
      late: 0,
      g: 1,
      second: 1,
      first: 1,
      h: 2,
      deep: 2,
      after_g: 0,
    });
  });

  it('are seen by their outputs, as a list under for_each', () => {
    const { inputs } = entryOf(nested, 'after_g');
    const value = inputs.y?.value;
    const evaluation =
      value?.type === 'expression' ? value.expression.evaluate({ g: [{ all: [], one: 4 }] }) : undefined;
    expect(evaluation).toEqual({ ok: true, value: [4] });
  });
});

describe('order', () => {
  it('keeps the order of writing where nothing else is asked for', () => {
    const compiled = plan(noop('c', { x: '=a.x' }), noop('b'), noop('a', { x: 1 }));
    expect(names(compiled, compiled.main.entries)).toEqual(['b', 'a', 'c']);
  });

  it('counts a dependency once, however often it is read', () => {
    const compiled = plan(
      noop('a', { x: 1 }),
      noop('b', { x: '=a.x', y: '=a.x + a.x', z: '=state.a' }, { after: ['a'] }),
    );
    expect(entryOf(compiled, 'b').dependencies).toEqual([0]);
    expect(entryOf(compiled, 'a').dependents).toEqual([1]);
  });

  it('opens a for_each in finally over what the main part gave', () => {
    const tidy = noop('tidy', { x: '=item.file' }, { for_each: '=split == null ? [] : split.regions' });
    const compiled = planOf(workflow({ trigger, actions: [split()], finally: [tidy] }));
    expect(entryOf(compiled, 'tidy')).toMatchObject({ depth: 1, dependencies: [], skipsWith: [] });
  });

  it('lets actions of finally wait for one another', () => {
    const definition = workflow({
      actions: [noop('a')],
      finally: [noop('second', { x: '=first.y' }), noop('first', { y: '=state.a' })],
    });
    const compiled = planOf(definition);
    expect(names(compiled, compiled.finally.entries)).toEqual(['first', 'second']);
    expect(names(compiled, compiled.finally.roots)).toEqual(['first']);
  });
});

describe('a definition of the largest size', () => {
  const largest = 100_000;

  function tree(count: number): JsonObject {
    const parent = (index: number) => Math.floor((index - 1) / 2);
    return workflow({
      actions: Array.from({ length: count }, (_, i) => noop(`a${i}`, i === 0 ? { x: 1 } : { x: `=a${parent(i)}.x` })),
    });
  }

  it('compiles', () => {
    const compiled = planOf(tree(largest));
    expect(compiled.main.entries).toHaveLength(largest);
    expect(names(compiled, entryOf(compiled, 'a99999').dependencies)).toEqual(['a49999']);
  });

  it('is refused when it is larger', () => {
    expect(validateDefinition(tree(largest + 1), catalogue)).toEqual({
      ok: false,
      faults: [{ path: 'spec.actions', reason: 'expected at most 100000 actions (actionsPerWorkflow), found more' }],
    });
  });

  it('is refused at once, too, when every action of it is wrong', () => {
    const definition = workflow({
      actions: Array.from({ length: largest }, (_, i) => noop(`a${i}`, { x: `=b${i}.x` })),
    });
    const validation = validateDefinition(definition, catalogue);
    expect(!validation.ok && validation.faults).toHaveLength(largest);
  });

  it('compiles as one chain, written backwards', () => {
    const length = 20_000;
    const actions = Array.from({ length }, (_, i) =>
      noop(`a${i}`, i === length - 1 ? { x: [1] } : { x: `=a${i + 1}.x` }),
    );
    expect(planOf(workflow({ actions })).main.entries[0]).toBe(length - 1);
  });

  it('compiles as groups that give out what the one before gives out', () => {
    const group = (i: number): JsonObject => ({
      id: `g${i}`,
      actions: [noop(`a${i}`)],
      outputs: { x: i === 0 ? 1 : `=g${i - 1}` },
    });
    const length = 5_000;
    const compiled = planOf(
      workflow({ actions: [...Array.from({ length }, (_, i) => group(i)), noop('last', { x: `=g${length - 1}` })] }),
    );
    expect(compiled.main.entries).toHaveLength(length + 1);
  });
});
