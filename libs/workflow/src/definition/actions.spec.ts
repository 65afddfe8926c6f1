import { itRefuses, noop, pinned, split, workflow } from './spec-fixtures';
import { validateDefinition } from './validate';

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
