import { Reader, type Ask } from './reader';

type Page = readonly string[];

/** Answers one list after the other, each in its pages; undefined is an outage. Runs that are `gone` are not found alone. */
function readerOf(lists: readonly (readonly Page[] | undefined)[], gone: readonly string[] = []) {
  let list = -1;
  const ask: Ask = (_method, path) => {
    const url = new URL(path, 'http://engine');
    if (url.pathname !== '/v1/runs') {
      const isGone = gone.some((runId) => url.pathname.endsWith(runId));
      return Promise.resolve({ status: isGone ? 404 : 200, body: {} });
    }
    const cursor = url.searchParams.get('cursor');
    if (cursor === null) list++;
    const pages = lists[list];
    if (pages === undefined) return Promise.resolve({ status: 503, body: {} });
    const page = Number(cursor ?? 0);
    const items = (pages[page] ?? []).map((run_id) => ({ run_id }));
    return Promise.resolve({
      status: 200,
      body: { items, next_cursor: page + 1 < pages.length ? `${page + 1}` : null },
    });
  };
  return new Reader(ask);
}

async function found(...given: Parameters<typeof readerOf>): Promise<string[]> {
  const reader = readerOf(...given);
  for (let look = 0; look < given[0].length; look++) await reader.look();
  return reader.violations.map(({ subject, what }) => `${subject}: ${what}`);
}

describe('a reader during a campaign', () => {
  it('finds nothing while what was to be seen stays so, on whichever page', async () => {
    expect(
      await found([
        [['a']],
        [['c', 'b'], ['a']],
        [
          ['d', 'c'],
          ['b', 'a'],
        ],
      ]),
    ).toEqual([]);
  });

  it('finds a run that the list has shown and does not show any more, once', async () => {
    expect(await found([[['b', 'a']], [['b']], [['b']]])).toEqual([
      'a: the list of runs has shown it, and does not any more',
    ]);
  });

  it('takes an outage for none of it, and looks at all of it afterwards', async () => {
    expect(await found([[['b', 'a']], undefined, [['b', 'a']]])).toEqual([]);
    expect(await found([[['b', 'a']], undefined, [[]]])).toHaveLength(2);
  });

  it('finds a run that the list has shown and that is not found by itself', async () => {
    expect(await found([[['a']], [['a']]], ['a'])).toEqual([
      'a: the list of runs has shown it, and by itself it is not found',
    ]);
  });
});
