/** A definition with one mistake: what is wrong, where the answer must point, and words of its reason. */
export interface WrongDefinition {
  readonly name: string;
  readonly definition: unknown;
  readonly path: string;
  readonly reason: RegExp;
}

function withActions(...actions: object[]): object {
  return { apiVersion: 'ryax.tech/v2.0', kind: 'Workflow', spec: { id: 'wrong', actions } };
}

const noop = (id: string, more: object = {}) => ({ id, action: 'core/noop', ...more });

export const wrongDefinitions: readonly WrongDefinition[] = [
  {
    name: 'a version that does not exist',
    definition: { ...withActions(noop('a')), apiVersion: 'ryax.tech/v9' },
    path: 'apiVersion',
    reason: /ryax\.tech\/v2\.0/,
  },
  {
    name: 'a kind that is none',
    definition: { ...withActions(noop('a')), kind: 'Pipeline' },
    path: 'kind',
    reason: /Workflow/,
  },
  {
    name: 'an unknown field',
    definition: withActions(noop('a', { tiemout: '1s' })),
    path: 'spec.actions[0].tiemout',
    reason: /timeout/,
  },
  { name: 'no actions', definition: withActions(), path: 'spec.actions', reason: /at least|least one|empty|>=1/i },
  {
    name: 'two actions with one id',
    definition: withActions(noop('a'), noop('a')),
    path: 'spec.actions[1].id',
    reason: /a/,
  },
  {
    name: 'an id that an expression could not name',
    definition: withActions(noop('Not-An-Id')),
    path: 'spec.actions[0].id',
    reason: /letter|digits|_/i,
  },
  {
    name: 'an id that is a word of the expression language',
    definition: withActions(noop('trigger')),
    path: 'spec.actions[0].id',
    reason: /trigger|reserved|name/i,
  },
  {
    name: 'an action that nobody has published',
    definition: withActions({ id: 'a', action: 'split-by-region@9.9' }),
    path: 'spec.actions[0].action',
    reason: /split-by-region@9\.9|unknown|published|catalogue/i,
  },
  {
    name: 'a local folder that was not uploaded',
    definition: withActions({ id: 'a', action: './actions/split' }),
    path: 'spec.actions[0].action',
    reason: /upload/i,
  },
  {
    name: 'neither action nor container',
    definition: withActions({ id: 'a' }),
    path: 'spec.actions[0]',
    reason: /action|container/,
  },
  {
    name: 'a reference to an action that is not there, with the name that was meant',
    definition: withActions(noop('split'), noop('b', { inputs: { x: '=splt.regions' } })),
    path: 'spec.actions[1].inputs.x',
    reason: /split/,
  },
  {
    name: 'a cycle, named as a path',
    definition: withActions(noop('a', { after: ['c'] }), noop('b', { after: ['a'] }), noop('c', { after: ['b'] })),
    path: 'spec.actions[0]',
    reason: /a → b → c → a/,
  },
  {
    name: 'an expression that does not parse',
    definition: withActions(noop('a', { inputs: { x: '=1 +' } })),
    path: 'spec.actions[0].inputs.x',
    reason: /./,
  },
  {
    name: 'item outside of a for_each',
    definition: withActions(noop('a', { inputs: { x: '=item' } })),
    path: 'spec.actions[0].inputs.x',
    reason: /item|for_each/,
  },
  {
    name: 'a duration that is none',
    definition: withActions(noop('a', { timeout: 'soon' })),
    path: 'spec.actions[0].timeout',
    reason: /duration|expected/i,
  },
  {
    name: 'a retry without an attempt',
    definition: withActions(noop('a', { retry: { max_attempts: 0 } })),
    path: 'spec.actions[0].retry.max_attempts',
    reason: /1/,
  },
  {
    name: 'a regular expression that could run for ever',
    definition: withActions(noop('a'), noop('b', { when: "=a.x.matches('(a+)+$')" })),
    path: 'spec.actions[1].when',
    reason: /matches/,
  },
];
