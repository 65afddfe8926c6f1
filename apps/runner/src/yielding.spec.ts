import { Yielding } from './yielding';

describe('Yielding', () => {
  afterEach(() => jest.restoreAllMocks());

  /** Whether others had their turn before a fold went on. */
  async function letsOthersRun(yielding: Yielding): Promise<boolean> {
    let ran = false;
    const other = setImmediate(() => (ran = true));
    await yielding.pause();
    clearImmediate(other);
    return ran;
  }

  it('a fold yields every 100 ms', async () => {
    let now = 0;
    jest.spyOn(performance, 'now').mockImplementation(() => now);
    const yielding = new Yielding();
    const eventMs = 100 / 64;

    const yieldedAt: number[] = [];
    for (let event = 0; event < 256; event++) {
      now += eventMs;
      if (await letsOthersRun(yielding)) yieldedAt.push(now);
    }

    expect(yieldedAt).toEqual([100, 200, 300, 400]);
  });

  it('a fold of many cheap events keeps the thread', async () => {
    jest.spyOn(performance, 'now').mockReturnValue(0);
    const yielding = new Yielding();
    for (let event = 0; event < 256; event++) expect(await letsOthersRun(yielding)).toBe(false);
  });
});
