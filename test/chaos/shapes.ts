import type { JsonObject, JsonValue } from '@ryax/contracts';
import type { Random } from './random';
import type { Edge, Shape } from './shape';

const number = (random: Random): JsonObject => ({ n: random.between(0, 1000) });
const list = (least: number, most: number) => (random: Random) => ({
  items: Array.from({ length: random.between(least, most) }, () => random.between(0, 1000)),
});
const numberTrigger = { kind: 'manual', outputs: [{ name: 'n', type: 'integer' }] };
const listTrigger = { kind: 'manual', outputs: [{ name: 'items', type: 'json' }] };
const nOf = ({ n }: JsonObject) => Number(n);
const itemsOf = ({ items }: JsonObject) => items as number[];
/** `each.0`, `each.1`, … */
const elementsOf = (entry: string, inputs: JsonObject) => itemsOf(inputs).map((_, index) => `${entry}.${index}`);
const countOf = (inputs: JsonObject) => itemsOf(inputs).length;

function work(id: string, journal: string, value: JsonValue, more: JsonObject = {}, rest: JsonObject = {}): JsonObject {
  return { id, action: 'chaos-work@1.0', inputs: { journal, value, ...more }, ...rest };
}

const tidy = (journal: string) => [work('tidy', journal, 0)];
const all = (from: string, to: string): Edge => ({ from, to, of: 'all' });
const begun = (from: string): Edge => ({ from, to: 'tidy', of: 'begun' });

const chain: Shape = {
  id: 'chain',
  spec: (journal) => ({
    trigger: numberTrigger,
    actions: [
      work('a', journal, '=trigger.n', { add: 1 }),
      work('b', journal, '=a.value', { add: 2, ms: 50 }),
      work('c', journal, '=b.value', { add: 3 }),
      work('d', journal, '=c.value', { add: 4 }),
    ],
    results: { sum: '=d.value' },
  }),
  inputs: number,
  expected: (inputs) => ({
    state: 'succeeded',
    results: { sum: nOf(inputs) + 10 },
    mustSucceed: ['a', 'b', 'c', 'd'],
  }),
  edges: [all('a', 'b'), all('b', 'c'), all('c', 'd')],
  journaled: ['a', 'b', 'c', 'd'],
};

const fan: Shape = {
  id: 'fan',
  spec: (journal) => ({
    trigger: listTrigger,
    actions: [
      work('each', journal, '=item', { add: 7, ms: 100 }, { for_each: '=trigger.items' }),
      { id: 'join', action: 'core/noop', inputs: { values: '=each.map(e, e.value)' } },
    ],
    results: { values: '=join.values' },
  }),
  inputs: list(2, 6),
  expected: (inputs) => ({
    state: 'succeeded',
    results: { values: itemsOf(inputs).map((item) => item + 7) },
    mustSucceed: [...elementsOf('each', inputs), 'join'],
    elements: { each: countOf(inputs) },
  }),
  edges: [all('each', 'join')],
  journaled: ['each'],
};

const diamond: Shape = {
  id: 'diamond',
  spec: (journal) => ({
    trigger: numberTrigger,
    actions: [
      work('top', journal, '=trigger.n'),
      work('left', journal, '=top.value', { add: 1, ms: 200 }),
      work('right', journal, '=top.value', { add: 2 }, { when: '=trigger.n > 500' }),
      work('bottom', journal, '=left.value', { add: 1 }, { after: ['right'] }),
    ],
    results: { value: '=bottom.value', right: '=state.right', added: '=state.right == "succeeded" ? right.value : 0' },
  }),
  inputs: number,
  expected: (inputs) => {
    const always = ['top', 'left', 'bottom'];
    const value = nOf(inputs) + 2;
    return nOf(inputs) > 500
      ? { state: 'succeeded', results: { value, right: 'succeeded', added: value }, mustSucceed: [...always, 'right'] }
      : {
          state: 'succeeded',
          results: { value, right: 'skipped', added: 0 },
          mustSucceed: always,
          mustNotBegin: ['right'],
        };
  },
  edges: [all('top', 'left'), all('top', 'right'), all('left', 'bottom'), all('right', 'bottom')],
  journaled: ['top', 'left', 'right', 'bottom'],
};

const quickRetry = { initial_interval: '200ms', max_interval: '1s', on: ['crash'] };

const retries: Shape = {
  id: 'retries',
  spec: (journal) => ({
    trigger: numberTrigger,
    actions: [
      work('flaky', journal, '=trigger.n', { crashes: 2 }, { retry: { max_attempts: 3, ...quickRetry } }),
      work('next', journal, '=flaky.value', { add: 1 }),
    ],
    results: { value: '=next.value' },
  }),
  inputs: number,
  expected: (inputs) => ({
    state: 'succeeded',
    results: { value: nOf(inputs) + 1 },
    mustSucceed: ['flaky', 'next'],
  }),
  edges: [all('flaky', 'next')],
  journaled: ['flaky', 'next'],
};

const givesUp: Shape = {
  id: 'gives-up',
  spec: (journal) => ({
    trigger: numberTrigger,
    actions: [
      work('doomed', journal, '=trigger.n', { crashes: 1000 }, { retry: { max_attempts: 2, ...quickRetry } }),
      work('never', journal, '=doomed.value'),
    ],
    finally: tidy(journal),
  }),
  inputs: number,
  expected: () => ({
    state: 'failed',
    failure: { kind: 'crash', execution: 'doomed' },
    mustSucceed: ['tidy'],
    mustNotBegin: ['never'],
  }),
  edges: [begun('doomed')],
  journaled: ['doomed', 'never', 'tidy'],
};

const refuses: Shape = {
  id: 'refuses',
  spec: (journal) => ({
    trigger: numberTrigger,
    actions: [
      work('first', journal, '=trigger.n'),
      work('no', journal, '=first.value', { refuses: true }, { retry: { max_attempts: 3, ...quickRetry } }),
      work('after', journal, '=no.value'),
    ],
  }),
  inputs: number,
  expected: () => ({
    state: 'failed',
    failure: { kind: 'user', execution: 'no' },
    mustSucceed: ['first'],
    mustNotBegin: ['after'],
  }),
  edges: [all('first', 'no')],
  journaled: ['first', 'no', 'after'],
};

const timesOut: Shape = {
  id: 'times-out',
  spec: (journal) => ({
    trigger: numberTrigger,
    actions: [work('slow', journal, '=trigger.n', { ms: 600_000 }, { timeout: '1s' })],
    finally: tidy(journal),
  }),
  inputs: number,
  expected: () => ({
    state: 'failed',
    failure: { kind: 'timeout', execution: 'slow' },
    mustSucceed: ['tidy'],
  }),
  edges: [begun('slow')],
  journaled: ['slow', 'tidy'],
};

const tolerates: Shape = {
  id: 'tolerates',
  spec: (journal) => ({
    trigger: listTrigger,
    actions: [
      work(
        'some',
        journal,
        '=item',
        { refuses: '=int(item) % 2 == 1' },
        {
          for_each: { in: '=trigger.items', concurrency: 3 },
          on_failure: 'continue',
        },
      ),
      { id: 'kept', action: 'core/noop', inputs: { values: '=some.filter(s, s != null).map(s, s.value)' } },
    ],
    results: { values: '=kept.values' },
  }),
  inputs: list(2, 5),
  expected: (inputs) => ({
    state: 'succeeded',
    results: { values: itemsOf(inputs).filter((item) => item % 2 === 0) },
    mustSucceed: [...elementsOf('some', inputs).filter((_, index) => (itemsOf(inputs)[index] ?? 0) % 2 === 0), 'kept'],
    elements: { some: countOf(inputs) },
  }),
  edges: [all('some', 'kept')],
  journaled: ['some'],
};

const cancelledAsleep: Shape = {
  id: 'cancelled-asleep',
  spec: (journal) => ({
    trigger: numberTrigger,
    actions: [
      work('before', journal, '=trigger.n'),
      { id: 'rest', action: 'core/sleep', inputs: { seconds: 86_400 }, after: ['before'] },
      work('never', journal, 0, {}, { after: ['rest'] }),
    ],
    finally: tidy(journal),
  }),
  inputs: number,
  expected: () => ({ state: 'cancelled', mustSucceed: ['tidy'], mustNotBegin: ['never'] }),
  edges: [all('before', 'rest'), begun('rest')],
  journaled: ['before', 'never', 'tidy'],
  isCancelled: true,
};

const cancelledAtWork: Shape = {
  id: 'cancelled-at-work',
  spec: (journal) => ({
    trigger: numberTrigger,
    actions: [work('endless', journal, '=trigger.n', { ms: 86_400_000 })],
    finally: tidy(journal),
  }),
  inputs: number,
  expected: () => ({ state: 'cancelled', mustSucceed: ['tidy'] }),
  edges: [begun('endless')],
  journaled: ['endless', 'tidy'],
  isCancelled: true,
};

const groups: Shape = {
  id: 'groups',
  spec: (journal) => ({
    trigger: listTrigger,
    actions: [
      {
        id: 'station',
        for_each: { in: '=trigger.items', concurrency: 2 },
        actions: [
          work('fetch', journal, '=item', { add: 1 }),
          work('clean', journal, '=fetch.value', { add: 1, ms: 50 }),
        ],
        outputs: { value: '=clean.value' },
      },
      { id: 'join', action: 'core/noop', inputs: { values: '=station.map(s, s.value)' } },
    ],
    results: { values: '=join.values' },
  }),
  inputs: list(1, 4),
  expected: (inputs) => ({
    state: 'succeeded',
    results: { values: itemsOf(inputs).map((item) => item + 2) },
    mustSucceed: [...elementsOf('fetch', inputs), ...elementsOf('clean', inputs), 'join'],
    elements: { fetch: countOf(inputs), clean: countOf(inputs) },
  }),
  edges: [{ from: 'fetch', to: 'clean', of: 'element' }, all('clean', 'join'), all('station', 'join')],
  journaled: ['fetch', 'clean'],
};

/** Nothing but built-ins: many short executions, and some that are held for a while without a slot. */
const builtins: Shape = {
  id: 'builtins',
  spec: () => ({
    trigger: listTrigger,
    actions: [
      { id: 'echo', action: 'core/noop', for_each: { in: '=trigger.items', concurrency: 8 }, inputs: { v: '=item' } },
      {
        id: 'nap',
        action: 'core/sleep',
        for_each: { in: '=trigger.items', concurrency: 8 },
        inputs: { seconds: 1.5 },
        after: ['echo'],
      },
      { id: 'join', action: 'core/noop', inputs: { values: '=echo.map(e, e.v)' }, after: ['nap'] },
    ],
    results: { values: '=join.values', nap: '=state.nap' },
  }),
  inputs: list(8, 20),
  expected: (inputs) => ({
    state: 'succeeded',
    results: { values: itemsOf(inputs), nap: 'succeeded' },
    mustSucceed: [...elementsOf('echo', inputs), ...elementsOf('nap', inputs), 'join'],
    elements: { echo: countOf(inputs), nap: countOf(inputs) },
  }),
  edges: [all('echo', 'nap'), all('nap', 'join'), all('echo', 'join')],
  journaled: [],
};

export const shapes: readonly [Shape, ...Shape[]] = [
  chain,
  fan,
  diamond,
  retries,
  givesUp,
  refuses,
  timesOut,
  tolerates,
  cancelledAsleep,
  cancelledAtWork,
  groups,
  builtins,
];
