import { itRefuses, noop } from './spec-fixtures';

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
