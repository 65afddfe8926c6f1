import type { JsonObject, PinnedAction } from '@ryax/contracts';
import { handlersOf } from './handlers';
import type { Plan } from './plan';
import { pinned, workflow } from './spec-fixtures';
import { validateDefinition } from './validate';

const hashOf = (digit: string) => `sha256:${digit.repeat(64)}`;
const handler = (id: string, digit: string): [string, PinnedAction] => [
  `${id}@1.0`,
  { ...pinned(id, [], []), content_hash: hashOf(digit) },
];
const catalogue = new Map([handler('fetch', 'a'), handler('fit', 'b'), handler('tidy', 'c')]);
const container = { container: { image: 'alpine', command: ['true'] } };

function planOf(actions: readonly JsonObject[], more: JsonObject = {}): Plan {
  const validation = validateDefinition(workflow({ actions: [...actions], ...more }), catalogue);
  if (!validation.ok) throw new Error(JSON.stringify(validation.faults));
  return validation.plan;
}

const hashesIn = (plan: Plan, most = 10) => handlersOf(plan, most).map(({ contentHash }) => contentHash);

describe(handlersOf.name, () => {
  it('tells each handler once, however many actions and elements have it, and nothing of what has none', () => {
    const many = Array.from({ length: 50 }, (_, at) => ({ id: `fit${at}`, action: 'fit@1.0', for_each: [1, 2] }));
    const others = [
      { id: 'nap', action: 'core/sleep', inputs: { seconds: 1 } },
      { id: 'command', ...container },
    ];
    expect(hashesIn(planOf([...many, ...others]))).toEqual([hashOf('b')]);
  });

  it('tells those first that are needed first, groups and `finally` included, and of too many leaves out the last', () => {
    const plan = planOf(
      [
        { id: 'last', action: 'fit@1.0', after: ['group'] },
        { id: 'group', actions: [{ id: 'first', action: 'fetch@1.0' }] },
      ],
      { finally: [{ id: 'end', action: 'tidy@1.0' }] },
    );
    expect(hashesIn(plan)).toEqual([hashOf('a'), hashOf('b'), hashOf('c')]);
    expect(hashesIn(plan, 2)).toEqual([hashOf('a'), hashOf('b')]);
    expect(hashesIn(plan, 0)).toEqual([]);
  });

  it('tells one more than once that is asked for with other resources, or elsewhere', () => {
    const plan = planOf([
      { id: 'plain', action: 'fit@1.0' },
      { id: 'same', action: 'fit@1.0' },
      { id: 'large', action: 'fit@1.0', resources: { memory: '2G' } },
      { id: 'there', action: 'fit@1.0', constraints: { pool: 'gpu' } },
    ]);
    expect(handlersOf(plan, 10)).toMatchObject([
      { contentHash: hashOf('b'), demand: { lane: { isPlain: true } } },
      { resources: { memory_bytes: 2 ** 31 }, demand: { memory_bytes: 2 ** 31 } },
      { demand: { lane: { constraints: { pool: 'gpu' } } } },
    ]);
  });
});
