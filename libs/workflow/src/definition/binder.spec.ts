import type { JsonObject } from '@ryax/contracts';
import { catalogue, faultsOf, fit, itRefuses, login, noop, split, workflow } from './spec-fixtures';
import { validateDefinition } from './validate';

describe('inputs', () => {
  const inputs = (more: JsonObject): JsonObject => ({
    actions: [split({ inputs: { catalogue: '=trigger.catalogue', min_magnitude: 2.5, ...more } })],
  });
  itRefuses([
    [
      'an unknown input',
      inputs({ lable: 'x' }),
      ['spec.actions[0].inputs.lable', 'unknown input; did you mean "label"?'],
    ],
    [
      'a missing required input',
      { actions: [split({ inputs: { catalogue: '=trigger.catalogue' } })] },
      ['spec.actions[0].inputs.min_magnitude', 'required input is missing'],
    ],
    [
      'null for a required input',
      inputs({ min_magnitude: null }),
      ['spec.actions[0].inputs.min_magnitude', 'is required, found null'],
    ],
    [
      'a quoted number',
      inputs({ min_magnitude: '2.5' }),
      ['spec.actions[0].inputs.min_magnitude', 'expected a float, found the string "2.5"; write it without quotes'],
    ],
    [
      'a number for a text',
      inputs({ label: 7 }),
      ['spec.actions[0].inputs.label', 'expected a string, found the number 7; write "7"'],
    ],
    [
      'a list for a text',
      inputs({ label: ['=trigger.name'] }),
      ['spec.actions[0].inputs.label', 'expected a string, found a list'],
    ],
    [
      'a text for a file',
      inputs({ catalogue: '=trigger.name' }),
      ['spec.actions[0].inputs.catalogue', 'expected a file, found a string'],
    ],
    [
      'a file for a number',
      inputs({ min_magnitude: '=trigger.catalogue' }),
      ['spec.actions[0].inputs.min_magnitude', 'expected a float, found a file'],
    ],
    [
      'a computed number for a text',
      inputs({ label: '=trigger.rounds + 1' }),
      ['spec.actions[0].inputs.label', 'expected a string, found an integer'],
    ],
    [
      'a condition for a number',
      inputs({ min_magnitude: '=trigger.rounds > 1' }),
      ['spec.actions[0].inputs.min_magnitude', 'expected a float, found a boolean'],
    ],
    [
      'a list for an item',
      { actions: [split(), fit(), noop('b'), split({ id: 'c', inputs: { catalogue: '=fit', min_magnitude: 1 } })] },
      ['spec.actions[3].inputs.catalogue', 'expected a file, found a list'],
    ],
    [
      'a whole action for a text',
      {
        actions: [
          split(),
          split({ id: 'c', inputs: { catalogue: '=trigger.catalogue', min_magnitude: 1, label: '=split' } }),
        ],
      },
      ['spec.actions[1].inputs.label', 'expected a string, found an object'],
    ],
    [
      'a directory for a file',
      { actions: [login({}), split({ inputs: { catalogue: '=login.archive', min_magnitude: 1 } })] },
      ['spec.actions[1].inputs.catalogue', 'expected a file, found a directory'],
    ],
    [
      'a value that an enum has not',
      { actions: [login({ role: 'writter' })] },
      ['spec.actions[0].inputs.role', 'expected one of "reader", "writer", found "writter"; did you mean "writer"?'],
    ],
    [
      'states for another enum',
      { actions: [noop('a'), login({ role: '=state.a' })] },
      [
        'spec.actions[1].inputs.role',
        'expected one of "reader", "writer", found one of "succeeded", "failed", "skipped", "cancelled"',
      ],
    ],
    [
      'a condition that is no condition',
      { actions: [noop('a', {}, { when: '=trigger.name' })] },
      ['spec.actions[0].when', 'expected a boolean, found a string'],
    ],
    [
      'a for_each over a number',
      { actions: [noop('a', {}, { for_each: '=trigger.rounds' })] },
      ['spec.actions[0].for_each', 'expected a list, found an integer'],
    ],
  ]);

  it('accepts what can only be judged when it is there', () => {
    const inputsOf = {
      catalogue: '=trigger.anything.file',
      min_magnitude: '=trigger.anything + 1',
      label: '=trigger.note',
    };
    expect(faultsOf({ actions: [split({ inputs: inputsOf })] })).toEqual([]);
  });

  it('takes integers for floats, and floats that may turn out integral', () => {
    const bins = { region: 'a', events: '=trigger.catalogue', bins: '=trigger.min_magnitude * 2.0' };
    expect(
      faultsOf({
        actions: [
          { id: 'fit', action: 'gutenberg-richter@1.0', inputs: bins },
          split({ inputs: { catalogue: '=trigger.catalogue', min_magnitude: '=trigger.rounds' } }),
        ],
      }),
    ).toEqual([]);
  });

  it('reads ==text as the text =text at any depth', () => {
    const validation = validateDefinition(
      workflow({ actions: [noop('a', { x: '==1', y: { z: ['===', '=1 + 1'] } })] }),
      catalogue,
    );
    expect(validation.ok && validation.plan.entries[0]?.inputs).toMatchObject({
      x: { value: { type: 'literal', value: '=1' } },
      y: {
        value: {
          type: 'object',
          fields: { z: { type: 'list', items: [{ type: 'literal', value: '==' }, { type: 'expression' }] } },
        },
      },
    });
  });
});

describe('passwords', () => {
  const whole = 'is a password: it may only be passed whole to an input of type password, or of a container';
  itRefuses([
    [
      'one for a text',
      { actions: [split({ inputs: { catalogue: '=trigger.catalogue', min_magnitude: 1, label: '=trigger.secret' } })] },
      ['spec.actions[0].inputs.label', whole],
    ],
    [
      'one in a computation',
      { actions: [login({ password: '="x" + trigger.secret' })] },
      ['spec.actions[0].inputs.password', `trigger.secret ${whole}`],
    ],
    [
      'one for an action that does not declare it',
      { actions: [noop('a', { x: '=trigger.secret' })] },
      ['spec.actions[0].inputs.x', whole],
    ],
    [
      'one inside an object',
      { actions: [noop('a', { x: { y: '=trigger.secret' } })] },
      ['spec.actions[0].inputs.x.y', whole],
    ],
    [
      'all outputs, with one among them',
      { actions: [login({}), noop('a', { x: '=login' })] },
      ['spec.actions[1].inputs.x', whole],
    ],
    ['one as a result', { actions: [login({})], results: { token: '=login.token' } }, ['spec.results.token', whole]],
    [
      'one read out of a list',
      { actions: [{ ...login({}), for_each: [1, 2] }, noop('a', { x: '=login.map(l, l.token)' })] },
      ['spec.actions[1].inputs.x', `l.token ${whole}`],
    ],
    [
      'one compared inside a loop',
      { actions: [{ ...login({}), for_each: [1, 2] }, noop('a', {}, { when: '=login.exists(l, l["token"] == "x")' })] },
      ['spec.actions[1].when', `l.token ${whole}`],
    ],
    [
      'outputs given on in a list, with one among them',
      { actions: [{ ...login({}), for_each: [1, 2] }, noop('a', { x: '=login.filter(l, l.user != "x")' })] },
      ['spec.actions[1].inputs.x', `its result may hold what ${whole}`],
    ],
  ]);

  it('follows one through groups, however many', () => {
    const group = (i: number): JsonObject => ({
      id: `g${i}`,
      actions: [noop(`a${i}`)],
      outputs: { x: i === 0 ? '=login.token' : `=g${i - 1}` },
    });
    const groups = Array.from({ length: 30 }, (_, i) => group(i));
    expect(faultsOf({ actions: [login({}), ...groups, noop('b', { x: '=g29' })] })).toEqual([
      { path: 'spec.actions[31].inputs.x', reason: whole },
    ]);
  });

  it('accepts one passed whole, also out of a group', () => {
    const group = { id: 'g', actions: [login({})], outputs: { token: '=login.token' } };
    expect(faultsOf({ actions: [group, { ...login({ password: '=g.token' }), id: 'again' }] })).toEqual([]);
  });

  it('accepts one passed whole to a container, and none inside of something else', () => {
    const command = (inputs: JsonObject): JsonObject => ({
      id: 'command',
      container: { image: 'alpine', command: ['true'] },
      inputs,
    });
    expect(faultsOf({ actions: [login({}), command({ x: '=trigger.secret', y: '=login.token' })] })).toEqual([]);
    expect(faultsOf({ actions: [login({}), command({ x: '=login', y: ['=trigger.secret'] })] })).toEqual([
      { path: 'spec.actions[1].inputs.x', reason: whole },
      { path: 'spec.actions[1].inputs.y[0]', reason: whole },
    ]);
  });
});
