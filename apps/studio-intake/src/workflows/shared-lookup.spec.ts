import { SharedLookup } from './shared-lookup';

describe(SharedLookup.name, () => {
  /** Questions, each answered by the test. */
  function lookups() {
    const asked: { key: string; answer: (value: string) => void; fail: (error: Error) => void }[] = [];
    const lookup = new SharedLookup<string>();
    const shared = {
      ask: (key: string) => lookup.ask(key, () => new Promise((answer, fail) => asked.push({ key, answer, fail }))),
    };
    return { shared, asked };
  }
  const settled = () => new Promise((resolve) => setImmediate(resolve));

  it('asks once for all who come while a question is on its way, and not with that question', async () => {
    const { shared, asked } = lookups();
    const first = shared.ask('w');
    const later = [shared.ask('w'), shared.ask('w'), shared.ask('w')];
    expect(asked).toHaveLength(1);

    asked[0]?.answer('old');
    expect(await first).toBe('old');
    await settled();
    expect(asked).toHaveLength(2);
    asked[1]?.answer('new');
    expect(await Promise.all(later)).toEqual(['new', 'new', 'new']);
  });

  it('asks anew once nothing is on its way, and for each key by itself', async () => {
    const { shared, asked } = lookups();
    const one = shared.ask('a');
    const other = shared.ask('b');
    expect(asked.map(({ key }) => key)).toEqual(['a', 'b']);
    asked[0]?.answer('1');
    asked[1]?.answer('2');
    expect([await one, await other]).toEqual(['1', '2']);
    await settled();
    void shared.ask('a');
    expect(asked).toHaveLength(3);
  });

  it('hands a failure to those who shared the question only', async () => {
    const { shared, asked } = lookups();
    const first = shared.ask('w');
    const later = shared.ask('w');
    asked[0]?.fail(new Error('away'));
    await expect(first).rejects.toThrow('away');
    await settled();
    asked[1]?.answer('back');
    expect(await later).toBe('back');
  });
});
