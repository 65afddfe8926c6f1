import { fit, itRefuses, noop, split } from './spec-fixtures';

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
