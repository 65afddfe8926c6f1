import type { IoDeclaration, PinnedAction } from '@ryax/contracts';
import type { Plan } from '../definition/plan';
import { validateDefinition } from '../definition/validate';
import { RunDriver } from './testing/run-driver';

/** The definition of the design, compiled by the real compiler: expressions are CEL here. */
const quakes = {
  apiVersion: 'ryax.tech/v2.0',
  kind: 'Workflow',
  spec: {
    id: 'quakes',
    trigger: { kind: 'manual', outputs: [{ name: 'min_magnitude', type: 'float', default_value: 2.5 }] },
    actions: [
      { id: 'split', action: 'split@1', inputs: { min_magnitude: '=trigger.min_magnitude' } },
      {
        id: 'fit',
        action: 'fit@1',
        for_each: { in: '=split.regions', concurrency: 2 },
        inputs: { region: '=item.name' },
        retry: { max_attempts: 2, on: ['crash'] },
        on_failure: 'continue',
      },
      {
        id: 'alarm',
        when: '=fit.exists(f, f != null && f.b_value < 0.7)',
        container: { image: 'alpine:3.20', command: ['true'] },
      },
      {
        id: 'report',
        action: 'report@1',
        after: ['alarm'],
        inputs: { fits: '=fit', alarmed: "=state.alarm == 'succeeded'" },
      },
    ],
    finally: [{ id: 'tidy', container: { image: 'alpine:3.20', command: ['true'] } }],
    results: { report: '=report.document', regions: '=size(split.regions)' },
  },
};

function pinned(id: string, inputs: IoDeclaration[], outputs: IoDeclaration[]): [string, PinnedAction] {
  const manifest = {
    id,
    version: '1',
    human_name: id,
    kind: 'Processor' as const,
    runtime: 'nodejs' as const,
    inputs,
    outputs,
    resources: {},
    categories: [],
    warnings: [],
  };
  return [`${id}@1`, { content_hash: `sha256:${'1'.repeat(64)}`, manifest }];
}

const actions = new Map([
  pinned('split', [{ name: 'min_magnitude', type: 'float' }], [{ name: 'regions', type: 'json' }]),
  pinned('fit', [{ name: 'region', type: 'string' }], [{ name: 'b_value', type: 'float' }]),
  pinned(
    'report',
    [
      { name: 'fits', type: 'json' },
      { name: 'alarmed', type: 'boolean' },
    ],
    [{ name: 'document', type: 'string' }],
  ),
]);

function compiled(definition: unknown): Plan {
  const validation = validateDefinition(definition, actions);
  if (!validation.ok) throw new Error(JSON.stringify(validation.faults));
  return validation.plan;
}

describe('a run of a compiled definition', () => {
  const regions = [{ name: 'alps' }, { name: 'andes' }, { name: 'atlas' }];

  it('goes from its trigger to its results', () => {
    const run = new RunDriver(compiled(quakes)).start({ min_magnitude: '3' }).handOut('split');
    expect(run.inputsOf('split')).toEqual({ min_magnitude: 3 });
    run.succeed('split', { regions });
    expect(run.ready()).toEqual(['fit.0', 'fit.1']);
    run.handOut('fit.0');
    expect(run.inputsOf('fit.0')).toEqual({ region: 'alps' });
    run.succeed('fit.0', { b_value: 0.6 });
    run.handOut('fit.1').fail('fit.1');
    run
      .wakeAt(run.now + 60_000)
      .handOut('fit.1')
      .fail('fit.1');
    run.run('fit.2', { b_value: 1 });
    expect(run.story().slice(-1)).toEqual(['ConditionMet alarm']);
    run.run('alarm').handOut('report');
    expect(run.inputsOf('report')).toEqual({ fits: [{ b_value: 0.6 }, null, { b_value: 1 }], alarmed: true });
    run.succeed('report', { document: 'done' }).run('tidy');
    expect(run.events('RunSucceeded')[0]).toEqual({
      results: { report: 'done', regions: 3 },
      counts: { succeeded: 6, failed: 1, skipped: 0, cancelled: 0 },
    });
  });

  it('skips the alarm when nothing is alarming, and reports all the same', () => {
    const run = new RunDriver(compiled(quakes)).start().run('split', { regions: [{ name: 'alps' }] });
    run.run('fit.0', { b_value: 1 }).handOut('report');
    expect(run.events('ExecutionSkipped')).toEqual([{ execution: 'alarm', reason: { type: 'condition' } }]);
    expect(run.inputsOf('report')).toEqual({ fits: [{ b_value: 1 }], alarmed: false });
  });

  it('fails where an element lacks a field that is read, and says which', () => {
    const run = new RunDriver(compiled(quakes))
      .start()
      .run('split', { regions: [{ title: 'alps' }] })
      .handOut();
    expect(run.events('ExecutionFailed')).toMatchObject([
      { execution: 'fit.0', failure: { kind: 'invalid', message: 'inputs.region: =item.name: item has no "name"' } },
    ]);
  });

  it('takes the elements of a large list by reference', () => {
    const run = new RunDriver(compiled(quakes)).start();
    const reference = { $value: `sha256:${'c'.repeat(64)}`, size: 100_000, count: 2 };
    run.run('split', { regions: reference }).handOut('fit.1');
    expect(run.inputsOf('fit.1')).toEqual({ region: { $value: reference.$value, size: 100_000, path: [1, 'name'] } });
  });

  it('fails when its results cannot be made, after finally has run', () => {
    const results = { first: '=split.regions[0].name' };
    const definition = { ...quakes, spec: { ...quakes.spec, actions: quakes.spec.actions.slice(0, 1), results } };
    const run = new RunDriver(compiled(definition)).start().run('split', { regions: [] }).run('tidy');
    expect(run.events('RunFailed')[0]).toMatchObject({
      execution: null,
      failure: { kind: 'invalid', message: expect.stringMatching(/^results: first: =split\.regions\[0\]\.name: /) },
    });
  });
});
