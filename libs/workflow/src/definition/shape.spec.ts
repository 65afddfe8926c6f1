import type { JsonValue } from '@ryax/contracts';
import { catalogue, faultsOf, itRefuses, noop, workflow } from './spec-fixtures';
import { validateDefinition } from './validate';

describe('the shape of a definition', () => {
  itRefuses([
    ['no actions', {}, ['spec.actions', 'is required']],
    ['an empty list of actions', { actions: [] }, ['spec.actions', 'expected at least 1 element']],
    [
      'an unknown field',
      { actions: [noop('a', {}, { inptus: {} })] },
      ['spec.actions[0].inptus', 'unknown field; did you mean "inputs"?'],
    ],
    [
      'an unknown field of retry',
      { actions: [noop('a', {}, { retry: { max_atempts: 3 } })] },
      ['spec.actions[0].retry.max_atempts', 'unknown field; did you mean "max_attempts"?'],
    ],
    [
      'a wrong type',
      { actions: [noop('a', {}, { after: 'b' })] },
      ['spec.actions[0].after', 'expected a list, found the string "b"'],
    ],
    [
      'a value that is none of those allowed',
      { actions: [noop('a', {}, { on_failure: 'continu' })] },
      [
        'spec.actions[0].on_failure',
        'expected one of "fail", "continue", found the string "continu"; did you mean "continue"?',
      ],
    ],
    [
      'a condition that is no expression',
      { actions: [noop('a', {}, { when: 'always' })] },
      ['spec.actions[0].when', 'expected an expression: a string that starts with ='],
    ],
    [
      'a duration without a unit that we know',
      { actions: [noop('a', {}, { timeout: '5 minutes' })] },
      ['spec.actions[0].timeout', 'expected a duration such as 30s, 5m or 1.5h'],
    ],
    [
      'a duration that is no duration at all',
      { actions: [noop('a', {}, { timeout: true })] },
      ['spec.actions[0].timeout', 'expected a number or a string, found the boolean true'],
    ],
    [
      'a time limit of nothing',
      { actions: [noop('a', {}, { timeout: '0s' })] },
      ['spec.actions[0].timeout', 'expected more than 0'],
    ],
    [
      'a size of nothing',
      { actions: [noop('a', {}, { resources: { memory: 'lots' } })] },
      ['spec.actions[0].resources.memory', 'expected a size such as 256M or 4G'],
    ],
    [
      'a longer first pause than the longest',
      { actions: [noop('a', {}, { retry: { initial_interval: '2m', max_interval: '30s' } })] },
      ['spec.actions[0].retry.max_interval', 'expected at least initial_interval (120000 ms), found 30000 ms'],
    ],
    [
      'a name of an input that cannot be one',
      { actions: [noop('a', { 'a b': 1 })] },
      ['spec.actions[0].inputs["a b"]', 'expected 1 to 64 letters, digits or _'],
    ],
    [
      'a group with inputs',
      { actions: [{ id: 'g', actions: [noop('a')], inputs: {} }] },
      ['spec.actions[0].inputs', 'is for actions: this is a group, because it has actions'],
    ],
    [
      'an unknown field inside a group',
      { actions: [{ id: 'g', actions: [noop('a', {}, { wen: '=true' })] }] },
      ['spec.actions[0].actions[0].wen', 'unknown field; did you mean "when"?'],
    ],
    [
      'a group in finally',
      { actions: [noop('a')], finally: [{ id: 'g', actions: [noop('b')] }] },
      ['spec.finally[0].actions', 'finally has no groups: write its actions one beside the other'],
    ],
    [
      'a for_each with an unknown field',
      { actions: [noop('a', {}, { for_each: { in: [1], concurency: 3 } })] },
      ['spec.actions[0].for_each.concurency', 'unknown field; did you mean "concurrency"?'],
    ],
    [
      'a for_each over nothing',
      { actions: [noop('a', {}, { for_each: { concurrency: 3 } })] },
      ['spec.actions[0].for_each.in', 'is required'],
    ],
    [
      'a for_each over a number',
      { actions: [noop('a', {}, { for_each: 3 })] },
      ['spec.actions[0].for_each', 'expected a string or a list or an object, found the number 3'],
    ],
    [
      'a for_each over a text',
      { actions: [noop('a', {}, { for_each: 'abc' })] },
      ['spec.actions[0].for_each', 'expected an expression: a string that starts with ='],
    ],
  ]);

  it.each<[string, unknown, string, string]>([
    ['nothing', undefined, '', 'expected a JSON value, found undefined'],
    ['null', null, '', 'expected an object, found null'],
    ['a list', [], '', 'expected an object, found a list'],
    [
      'a spec that is a text',
      { apiVersion: 'ryax.tech/v2.0', kind: 'Workflow', spec: 'x' },
      'spec',
      'expected an object, found the string "x"',
    ],
    [
      'what YAML has and JSON has not',
      workflow({ actions: [noop('a', { x: NaN })] }),
      'spec.actions[0].inputs.x',
      'expected a JSON value, found NaN',
    ],
    ['a date', { when: new Date() }, 'when', 'expected a JSON value, found a Date'],
  ])('refuses %s', (_, value, path, reason) => {
    expect(validateDefinition(value, catalogue)).toMatchObject({ faults: [{ path, reason }] });
  });

  it('refuses another kind and version', () => {
    const value = { apiVersion: 'ryax.tech/v2', kind: 'Workflw', spec: { id: 'a', actions: [noop('a')] } };
    expect(validateDefinition(value, catalogue)).toEqual({
      ok: false,
      faults: [
        {
          path: 'apiVersion',
          reason: 'expected "ryax.tech/v2.0", found the string "ryax.tech/v2"',
        },
        { path: 'kind', reason: 'expected "Workflow", found the string "Workflw"' },
      ],
    });
  });

  it('refuses a value that contains itself, or nests without end', () => {
    const own: JsonValue[] = [];
    own.push(own);
    expect(validateDefinition(workflow({ actions: own }), catalogue)).toMatchObject({
      faults: [{ reason: 'is nested more than 100 levels deep' }],
    });
  });

  it('refuses groups that nest too deeply', () => {
    let entry = noop('a');
    for (let depth = 0; depth < 17; depth++) entry = { id: `g${depth}`, actions: [entry] };
    expect(faultsOf({ actions: [entry] })).toMatchObject([{ reason: 'groups nest more than 16 levels deep' }]);
  });
});

describe('telling all at once', () => {
  it('goes on after what cannot be read, and does not blame others for it', () => {
    expect(
      faultsOf({
        human_nam: 'x',
        trigger: { kind: 'manuel' },
        actions: [
          { id: 'Bad', action: 'core/noop' },
          noop('a', { x: '=Bad.x', y: '=trigger.anything_goes' }, { whn: 1 }),
          { id: 'half', action: 7 },
          noop('b', { x: '=half.whatever', y: '=nobody' }),
          { id: 'c', action: 'gutenberg-richter@1.0', inputs: [] },
        ],
      }),
    ).toEqual([
      { path: 'spec.trigger.kind', reason: 'expected "manual", found the string "manuel"' },
      { path: 'spec.human_nam', reason: 'unknown field; did you mean "human_name"?' },
      { path: 'spec.actions[0].id', reason: 'expected a lower-case letter or _, then letters, digits or _' },
      { path: 'spec.actions[1].whn', reason: 'unknown field; did you mean "when"?' },
      { path: 'spec.actions[2].action', reason: 'expected a string, found the number 7' },
      { path: 'spec.actions[4].inputs', reason: 'expected an object, found a list' },
      { path: 'spec.actions[3].inputs.y', reason: 'unknown name "nobody"' },
    ]);
  });

  it('judges the other fields of an entry, and the other inputs, beside one that is wrong', () => {
    const entry = noop(
      'a',
      { é: 1, x: '=nobody', y: '=1 +' },
      { timeout: '5 parsecs', resources: { memory: '3X', cpu: 1 } },
    );
    expect(faultsOf({ actions: [entry] }).map(({ path }) => path)).toEqual(
      expect.arrayContaining([
        'spec.actions[0].timeout',
        'spec.actions[0].resources.memory',
        'spec.actions[0].inputs["é"]',
        'spec.actions[0].inputs.x',
        'spec.actions[0].inputs.y',
      ]),
    );
  });

  it('concludes nothing from what was meant otherwise', () => {
    const fit = {
      id: 'fit',
      action: 'gutenberg-richter@1.0',
      for_each: 3,
      inputs: { region: '=item.name', events: '=trigger.catalogue' },
    };
    const group = { id: 'g', actions: [noop('a')], outputs: 7 };
    expect(faultsOf({ actions: [fit, group, noop('b', { x: '=fit.map(f, f.b_value)', y: '=g.whatever' })] })).toEqual([
      { path: 'spec.actions[0].for_each', reason: 'expected a string or a list or an object, found the number 3' },
      { path: 'spec.actions[1].outputs', reason: 'expected an object, found the number 7' },
    ]);
  });
});
