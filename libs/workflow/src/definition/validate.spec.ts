import { catalogue, fit, noop, pinned, split, trigger, workflow } from './spec-fixtures';
import { actionReferences, compilePlan, validateDefinition } from './validate';

describe('actionReferences', () => {
  it('finds them at every depth, each once', () => {
    const value = workflow({
      actions: [split(), { id: 'g', actions: [fit(), split({ id: 'again' })] }],
      finally: [noop('tidy')],
    });
    expect([...actionReferences(value)].sort()).toEqual(['core/noop', 'gutenberg-richter@1.0', 'split-by-region@1.2']);
  });

  it.each([
    undefined,
    null,
    7,
    'x',
    [],
    {},
    { spec: { actions: 7 } },
    { spec: { actions: [null, { action: 7, actions: {} }] } },
  ])('takes %j', (value) => {
    expect(actionReferences(value)).toEqual([]);
  });
});

describe('compilePlan', () => {
  it('compiles what was deployed', () => {
    const validation = validateDefinition(workflow({ trigger, actions: [split(), fit()] }), catalogue);
    if (!validation.ok) throw new Error('Expected an accepted definition');
    expect(Object.keys(validation.deployed.actions)).toEqual(['split-by-region@1.2', 'gutenberg-richter@1.0']);
    expect(compilePlan(validation.deployed).entries.map(({ id }) => id)).toEqual(['split', 'fit']);
  });

  it('does not compile what was not', () => {
    const { deployed } = validateDefinition(workflow({ trigger, actions: [split()] }), catalogue) as {
      deployed: Parameters<typeof compilePlan>[0];
    };
    expect(() => compilePlan({ ...deployed, actions: {} })).toThrow(
      /^Expected an accepted definition, found a fault at spec\.actions\[0\]\.action/,
    );
  });

  it('hands on what actions were warned of', () => {
    const action = pinned('a', [], []);
    const actions = new Map([
      ['a@1.0', { ...action, manifest: { ...action.manifest, warnings: ['add-ons are ignored: hpc'] } }],
    ]);
    const definition = workflow({
      actions: [
        { id: 'x', action: 'a@1.0' },
        { id: 'y', action: 'a@1.0' },
      ],
    });
    expect(validateDefinition(definition, actions)).toMatchObject({
      warnings: [{ path: 'spec.actions[0].action', reason: 'add-ons are ignored: hpc' }],
    });
  });
});
