import type { JsonObject, JsonValue } from '@ryax/contracts';
import { catalogue, faultsOf, noop, pinned, split, trigger, workflow } from './spec-fixtures';
import { actionReferences, compilePlan, validateDefinition } from './validate';

const fit = (more: JsonObject = {}): JsonObject => ({
  id: 'fit',
  action: 'gutenberg-richter@1.0',
  for_each: '=split.regions',
  inputs: { region: '=item.name', events: '=item.file' },
  ...more,
});
const login = (inputs: JsonObject): JsonObject => ({
  id: 'login',
  action: 'login@1.0',
  inputs: { password: '=trigger.secret', role: 'reader', ...inputs },
});

/** A definition that is wrong in one way, and where and why. */
type Wrong = readonly [what: string, spec: JsonObject, ...faults: (readonly [path: string, reason: string])[]];

function itRefuses(wrongs: readonly Wrong[]): void {
  it.each(wrongs.map(([what, spec, ...faults]) => ({ what, spec, faults })))('refuses $what', ({ spec, faults }) => {
    expect(faultsOf(spec)).toEqual(faults.map(([path, reason]) => ({ path, reason })));
  });
}

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
          reason: 'expected "ryax.tech/v2.0", found the string "ryax.tech/v2"; did you mean "ryax.tech/v2.0"?',
        },
        { path: 'kind', reason: 'expected "Workflow", found the string "Workflw"; did you mean "Workflow"?' },
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

describe('ids and actions', () => {
  itRefuses([
    [
      'an id that is no name',
      { actions: [noop('Split')] },
      ['spec.actions[0].id', 'expected a lower-case letter or _, then letters, digits or _'],
    ],
    ['no id', { actions: [{ action: 'core/noop' }] }, ['spec.actions[0].id', 'is required']],
    [
      'an id twice',
      { actions: [noop('a'), { id: 'g', actions: [noop('a')] }] },
      ['spec.actions[1].actions[0].id', '"a" is already the id of spec.actions[0]'],
    ],
    [
      'an id that finally uses, too',
      { actions: [noop('a')], finally: [noop('a')] },
      ['spec.finally[0].id', '"a" is already the id of spec.actions[0]'],
    ],
    [
      'a name in scope as an id',
      { actions: [noop('item')] },
      ['spec.actions[0].id', '"item" already has a meaning in expressions'],
    ],
    ['a keyword as an id', { actions: [noop('in')] }, ['spec.actions[0].id', '"in" is a reserved word of expressions']],
    [
      'a function as an id',
      { actions: [noop('size'), noop('exists')] },
      ['spec.actions[0].id', '"size" is a function of expressions'],
      ['spec.actions[1].id', '"exists" is a function of expressions'],
    ],
    [
      'neither action nor container',
      { actions: [{ id: 'a' }] },
      ['spec.actions[0]', 'expected one of action, container or actions'],
    ],
    [
      'action and container',
      { actions: [noop('a', {}, { container: { image: 'alpine', command: ['true'] } })] },
      ['spec.actions[0].container', 'expected either action or container, found both'],
    ],
    [
      'an unknown action',
      { actions: [split({ action: 'split-by-regin@1.2' })] },
      ['spec.actions[0].action', 'there is no action "split-by-regin@1.2"; did you mean "split-by-region@1.2"?'],
    ],
    [
      'an action without its version',
      { actions: [{ id: 'a', action: 'resize' }] },
      [
        'spec.actions[0].action',
        'there is no action "resize"; expected <id>@<version> of the catalogue, or a folder such as ./resize',
      ],
    ],
    [
      'an unknown builtin',
      { actions: [{ id: 'a', action: 'core/nop' }] },
      ['spec.actions[0].action', 'there is no action "core/nop"; did you mean "core/noop"?'],
    ],
    [
      'a local folder',
      {
        actions: [
          { id: 'a', action: './actions/split' },
          { id: 'b', action: '../x' },
          { id: 'c', action: '/x' },
        ],
      },
      ['spec.actions[0].action', 'local folders must be uploaded first: use `ryax deploy`'],
      ['spec.actions[1].action', 'local folders must be uploaded first: use `ryax deploy`'],
      ['spec.actions[2].action', 'local folders must be uploaded first: use `ryax deploy`'],
    ],
  ]);

  it('refuses a trigger as an action', () => {
    const source = pinned('emitevery', [], []);
    const actions = new Map([
      ['emitevery@1.3', { ...source, manifest: { ...source.manifest, kind: 'Source' as const } }],
    ]);
    const validation = validateDefinition(workflow({ actions: [{ id: 'a', action: 'emitevery@1.3' }] }), actions);
    expect(validation).toMatchObject({
      faults: [
        {
          path: 'spec.actions[0].action',
          reason: '"emitevery@1.3" is a trigger (kind Source): it starts runs and cannot be an action of one',
        },
      ],
    });
  });
});

describe('declarations', () => {
  const of = (...outputs: JsonObject[]): JsonObject => ({ trigger: { kind: 'manual', outputs }, actions: [noop('a')] });
  itRefuses([
    [
      'two trigger outputs of one name',
      of({ name: 'x', type: 'string' }, { name: 'x', type: 'json' }),
      ['spec.trigger.outputs[1].name', '"x" is declared twice'],
    ],
    [
      'an enum without values',
      of({ name: 'x', type: 'enum' }),
      ['spec.trigger.outputs[0].enum_values', 'an enum needs its values'],
    ],
    [
      'a default of another type',
      of({ name: 'x', type: 'integer', default_value: 'ten' }),
      ['spec.trigger.outputs[0].default_value', 'expected an integer, found the string "ten"'],
    ],
    [
      'a type that there is not',
      of({ name: 'x', type: 'flot' }),
      [
        'spec.trigger.outputs[0].type',
        'expected one of "string", "longstring", "password", "integer", "float", "boolean", "enum", "file", "directory", "json", found the string "flot"; did you mean "float"?',
      ],
    ],
    [
      'a path as the default of a file',
      of({ name: 'x', type: 'file', default_value: 'data/quakes.csv' }),
      [
        'spec.trigger.outputs[0].default_value',
        'expected a file that has been uploaded, found the path "data/quakes.csv"; use `ryax deploy` or `ryax run`, which upload',
      ],
    ],
    [
      'a default on a container output',
      {
        actions: [
          {
            id: 'a',
            container: {
              image: 'alpine',
              command: ['true'],
              outputs: [{ name: 'x', type: 'string', default_value: 'y' }],
            },
          },
        ],
      },
      ['spec.actions[0].container.outputs[0].default_value', 'an output has no default'],
    ],
  ]);
});

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
  const whole = 'is a password: it may only be passed whole to an input of type password';
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
});

describe('names in expressions', () => {
  itRefuses([
    [
      'an unknown name',
      { actions: [split(), fit({ for_each: '=splt.regions' })] },
      ['spec.actions[1].for_each', 'unknown name "splt"; did you mean "split"?'],
    ],
    [
      'an unknown output',
      { actions: [split(), fit({ for_each: '=split.regons' })] },
      ['spec.actions[1].for_each', 'split has no "regons"; did you mean "regions"?'],
    ],
    [
      'an unknown input of the run',
      { actions: [split({ inputs: { catalogue: '=trigger.catalog', min_magnitude: 1 } })] },
      ['spec.actions[0].inputs.catalogue', 'trigger has no "catalog"; did you mean "catalogue"?'],
    ],
    [
      'an unknown fact of the run',
      { actions: [noop('a', { x: '=run.workflow' })] },
      ['spec.actions[0].inputs.x', 'run has no "workflow"'],
    ],
    [
      'a field of a list',
      { actions: [split(), fit(), noop('a', { x: '=fit.b_value' })] },
      [
        'spec.actions[2].inputs.x',
        'fit is a list and has no "b_value": its elements have; write fit.map(x, x.b_value) or fit[0].b_value',
      ],
    ],
    [
      'an unknown field of an element',
      { actions: [split(), fit(), noop('a', { x: '=fit.exists(f, f.b_valu > 1.0)' })] },
      ['spec.actions[2].inputs.x', 'f has no "b_valu"; did you mean "b_value"?'],
    ],
    [
      'an unknown field of an item',
      { actions: [split(), fit(), noop('a', { x: '=item.b_valu' }, { for_each: '=fit' })] },
      ['spec.actions[2].inputs.x', 'item has no "b_valu"; did you mean "b_value"?'],
    ],
    [
      'what an action does not give back',
      { actions: [noop('a', { left: 1 }), noop('b', { x: '=a.lft' })] },
      ['spec.actions[1].inputs.x', 'a has no "lft"; did you mean "left"?'],
    ],
    [
      'item outside of a for_each',
      { actions: [noop('a', { x: '=item.name', y: '=index' })] },
      ['spec.actions[0].inputs.x', '"item" is only known under a for_each'],
      ['spec.actions[0].inputs.y', '"index" is only known under a for_each'],
    ],
    [
      'item in its own for_each',
      { actions: [noop('a', {}, { for_each: '=item.list' })] },
      [
        'spec.actions[0].for_each',
        '"item" is not known yet: this is evaluated once, before for_each has elements; filter the list instead',
      ],
    ],
    ['itself', { actions: [noop('a', { x: '=a.x' })] }, ['spec.actions[0].inputs.x', '"a" refers to itself']],
    [
      'its own state',
      { actions: [noop('a', { x: '=state.a' })] },
      ['spec.actions[0].inputs.x', '"a" refers to itself'],
    ],
    [
      'the state of nobody',
      { actions: [noop('a'), noop('b', { x: '=state', y: '=state.aa' })] },
      ['spec.actions[1].inputs.x', 'state is read of one action: state.<id>'],
      ['spec.actions[1].inputs.y', 'unknown name "aa"'],
    ],
    [
      'what is inside a group',
      { actions: [{ id: 'g', actions: [noop('a')] }, noop('b', { x: '=a' }, { after: ['a'] })] },
      ['spec.actions[1].inputs.x', '"a" is inside the group "g", of which only the outputs are seen: g.<output>'],
      ['spec.actions[1].after[0]', '"a" is inside the group "g", of which only the outputs are seen: g.<output>'],
    ],
    [
      'an unknown output of a group',
      { actions: [{ id: 'g', actions: [noop('a')], outputs: { done: '=state.a' } }, noop('b', { x: '=g.don' })] },
      ['spec.actions[1].inputs.x', 'g has no "don"; did you mean "done"?'],
    ],
    [
      'the group around',
      { actions: [{ id: 'g', actions: [noop('a', { x: '=g.y' })], outputs: { y: 1 } }] },
      ['spec.actions[0].actions[0].inputs.x', '"g" is the group around this: it has not ended'],
    ],
    [
      'finally from before it',
      { actions: [noop('a', { x: '=tidy' })], finally: [noop('tidy')] },
      ['spec.actions[0].inputs.x', '"tidy" is in finally, which starts when everything else has ended'],
    ],
    [
      'finally from results',
      { actions: [noop('a')], finally: [noop('tidy')], results: { x: '=tidy' } },
      ['spec.results.x', '"tidy" is in finally: only spec.actions are seen here'],
    ],
    [
      'an unknown name to wait for',
      { actions: [noop('report'), noop('b', {}, { after: ['reprot'] })] },
      ['spec.actions[1].after[0]', 'unknown name "reprot"; did you mean "report"?'],
    ],
    [
      'waiting in finally for what has ended',
      { actions: [noop('a')], finally: [noop('tidy', {}, { after: ['a'] })] },
      ['spec.finally[0].after[0]', '"a" has always ended when finally starts'],
    ],
    [
      'a text that cannot be read',
      { actions: [noop('a', { x: ['=1 +'] })] },
      ['spec.actions[0].inputs.x[0]', 'is no valid expression: Unexpected token: EOF (at character 4)'],
    ],
    [
      'an unknown function',
      { actions: [noop('a', { x: '=len(trigger.name)' })] },
      [
        'spec.actions[0].inputs.x',
        'calls len, which is no function here; there are size, int, double, string, bool, dyn, has',
      ],
    ],
    [
      'types that do not go together',
      { actions: [noop('a', { x: '=trigger.name + trigger.rounds' })] },
      ['spec.actions[0].inputs.x', 'cannot compute string + int'],
    ],
  ]);
});

describe('cycles', () => {
  itRefuses([
    [
      'one of references',
      { actions: [noop('a', { x: '=c.x' }), noop('b', { x: '=a.x' }), noop('c', { x: '=b.x' })] },
      ['spec.actions[0]', 'waits for itself: a → b → c → a'],
    ],
    [
      'one of waiting',
      { actions: [noop('a', {}, { after: ['b'] }), noop('b', {}, { after: ['a'] })] },
      ['spec.actions[0]', 'waits for itself: a → b → a'],
    ],
    [
      'one over states and conditions',
      { actions: [noop('z'), noop('a', { x: '=state.b' }), noop('b', {}, { when: '=a.x == "failed"' })] },
      ['spec.actions[1]', 'waits for itself: a → b → a'],
    ],
    [
      'one through a group',
      { actions: [noop('a', { x: '=g.y' }), { id: 'g', actions: [noop('b', { x: '=a.x' })], outputs: { y: '=b.x' } }] },
      ['spec.actions[0]', 'waits for itself: a → g → a'],
    ],
    [
      'one inside a group',
      { actions: [{ id: 'g', actions: [noop('a', { x: '=b.x' }), noop('b', { x: '=a.x' })] }] },
      ['spec.actions[0].actions[0]', 'waits for itself: a → b → a'],
    ],
    [
      'two, each once, and not what hangs on them',
      {
        actions: [
          noop('a', { x: '=b.x' }),
          noop('b', { x: '=a.x' }),
          noop('c', { x: '=d.x' }),
          noop('d', { x: '=c.x' }),
          noop('e', { x: '=d.x' }),
        ],
      },
      ['spec.actions[0]', 'waits for itself: a → b → a'],
      ['spec.actions[2]', 'waits for itself: c → d → c'],
    ],
    [
      'one in finally',
      { actions: [noop('z')], finally: [noop('a', { x: '=b.x' }), noop('b', { x: '=a.x' })] },
      ['spec.finally[0]', 'waits for itself: a → b → a'],
    ],
  ]);
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
      { path: 'spec.trigger.kind', reason: 'expected "manual", found the string "manuel"; did you mean "manual"?' },
      { path: 'spec.human_nam', reason: 'unknown field; did you mean "human_name"?' },
      { path: 'spec.actions[0].id', reason: 'expected a lower-case letter or _, then letters, digits or _' },
      { path: 'spec.actions[1].whn', reason: 'unknown field; did you mean "when"?' },
      { path: 'spec.actions[2].action', reason: 'expected a string, found the number 7' },
      { path: 'spec.actions[4].inputs', reason: 'expected an object, found a list' },
      { path: 'spec.actions[3].inputs.y', reason: 'unknown name "nobody"' },
    ]);
  });
});

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
