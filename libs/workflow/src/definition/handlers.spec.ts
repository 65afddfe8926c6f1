import type { JsonObject, PinnedAction } from '@ryax/contracts';
import { handlersOf } from './handlers';
import { pinned, workflow } from './spec-fixtures';
import { validateDefinition } from './validate';

const hashOf = (digit: string) => `sha256:${digit.repeat(64)}`;
const handler = (id: string, digit: string): [string, PinnedAction] => [
  `${id}@1.0`,
  { ...pinned(id, [], []), content_hash: hashOf(digit) },
];
const catalogue = new Map([handler('fetch', 'a'), handler('fit', 'b'), handler('tidy', 'c')]);
const container = { container: { image: 'alpine', command: ['true'] } };

function accepted(actions: readonly JsonObject[], more: JsonObject = {}) {
  const validation = validateDefinition(workflow({ actions: [...actions], ...more }), catalogue);
  if (!validation.ok) throw new Error(JSON.stringify(validation.faults));
  return validation;
}

type Accepted = ReturnType<typeof accepted>;
const handlersIn = ({ deployed: { definition, actions } }: Accepted, most = 10) =>
  handlersOf(definition, (reference) => actions[reference], most);
const hashesIn = (of: Accepted, most = 10) => handlersIn(of, most).map(({ contentHash }) => contentHash);

describe(handlersOf.name, () => {
  it('tells each handler once, however many actions and elements have it, and nothing of what has none', () => {
    const many = Array.from({ length: 50 }, (_, at) => ({ id: `fit${at}`, action: 'fit@1.0', for_each: [1, 2] }));
    const others = [
      { id: 'nap', action: 'core/sleep', inputs: { seconds: 1 } },
      { id: 'command', ...container },
    ];
    expect(hashesIn(accepted([...many, ...others]))).toEqual([hashOf('b')]);
  });

  it('tells them as they stand, groups and `finally` included, and of too many leaves out the last', () => {
    const plan = accepted(
      [
        { id: 'group', actions: [{ id: 'first', action: 'fetch@1.0' }] },
        { id: 'last', action: 'fit@1.0', after: ['group'] },
      ],
      { finally: [{ id: 'end', action: 'tidy@1.0' }] },
    );
    expect(hashesIn(plan)).toEqual([hashOf('a'), hashOf('b'), hashOf('c')]);
    expect(hashesIn(plan, 2)).toEqual([hashOf('a'), hashOf('b')]);
    expect(hashesIn(plan, 0)).toEqual([]);
  });

  it('tells one more than once that is asked for with other resources, or elsewhere', () => {
    const plan = accepted([
      { id: 'plain', action: 'fit@1.0' },
      { id: 'same', action: 'fit@1.0' },
      { id: 'large', action: 'fit@1.0', resources: { memory: '2G' } },
      { id: 'there', action: 'fit@1.0', constraints: { pool: 'gpu' } },
    ]);
    expect(handlersIn(plan)).toMatchObject([
      { contentHash: hashOf('b'), demand: { lane: { isPlain: true } } },
      { resources: { memory_bytes: 2 ** 31 }, demand: { memory_bytes: 2 ** 31 } },
      { demand: { lane: { constraints: { pool: 'gpu' } } } },
    ]);
  });

  it('tells what a plan has, of actions that say something in all ways that they can', () => {
    const sayings = [{}, { resources: { cpu: 2, time: '1m' } }, { timeout: '90s' }, { timeout: 60 }, { resources: {} }];
    const places = [{}, { constraints: { site: 'edge' } }, { objectives: { cost: 0 } }, { objectives: { cost: 2 } }];
    const entries = ['fetch', 'fit'].flatMap((id) =>
      sayings.flatMap((saying, one) =>
        places.map((place, other) => ({ id: `${id}_${one}_${other}`, action: `${id}@1.0`, ...saying, ...place })),
      ),
    );
    const of = accepted(entries, { constraints: { pool: 'gpu', site: 'far' }, objectives: { time: 1 } });
    const planned = of.plan.entries.map(({ action, resources, demand }) => ({
      contentHash: action?.type === 'handler' ? action.content_hash : '',
      resources,
      demand,
    }));
    const byKey = new Map(planned.map((each) => [`${each.contentHash} ${each.demand.key}`, each]));
    expect(
      handlersIn(of, 1_000)
        .map(({ contentHash, demand }) => `${contentHash} ${demand.key}`)
        .sort(),
    ).toEqual([...byKey.keys()].sort());
    for (const each of handlersIn(of, 1_000)) expect(planned).toContainEqual(each);
  });
});
