import { Log, Owner } from '@ryax/platform';
import { waitFor } from '@ryax/testing';
import { HeadWatcher } from './head-watcher';

const longMs = 60_000;

function watching(maxWaiters = 10) {
  const heads = new Map<string, number>();
  const asked: (readonly string[])[] = [];
  const owner = new Owner(new Log({ service: 'test', write: () => undefined }));
  const watcher = new HeadWatcher<string>(
    {
      name: 'test',
      nameOf: (key) => key,
      readHeads: (keys) => {
        asked.push(keys);
        return Promise.resolve(new Map(heads));
      },
      maxWaiters,
    },
    owner,
  );
  return { heads, asked, watcher, owner };
}

describe(HeadWatcher.name, () => {
  it('resolves those that have grown, by one question for all who wait, and lets the others wait', async () => {
    const { heads, asked, watcher, owner } = watching();
    const ended: string[] = [];
    const waits = ['a', 'b', 'c'].map((key) => watcher.waitBeyond(key, 1, longMs).then(() => ended.push(key)));
    await waitFor(() => asked.length > 0);

    heads.set('a', 2).set('b', 1).set('c', 5);
    watcher.hint();
    await Promise.all([waits[0], waits[2]]);

    expect(asked.at(-1)).toEqual(['a', 'b', 'c']);
    expect(ended).toEqual(['a', 'c']);
    expect(watcher.waiting).toBe(1);
    watcher.close();
    await owner.stop();
  });

  it('does not miss what grew between the look and the wait', async () => {
    const { heads, watcher, owner } = watching();
    heads.set('a', 2);
    expect(await watcher.waitBeyond('a', 1, longMs)).toBe('grown');
    await owner.stop();
  });

  it('ends a wait by its deadline, and asks nothing more when nobody waits', async () => {
    const { asked, watcher, owner } = watching();
    expect(await watcher.waitBeyond('a', 1, 5)).toBe('timeout');
    await waitFor(() => owner.unfinished.length === 0);
    expect(watcher.waiting).toBe(0);
    expect(asked.length).toBeGreaterThan(0);
  });

  it('lets nobody wait beyond its bound', async () => {
    const { watcher, owner } = watching(1);
    const first = watcher.waitBeyond('a', 1, longMs);
    expect(await watcher.waitBeyond('b', 1, longMs)).toBe('refused');
    expect(watcher.waiting).toBe(1);
    watcher.close();
    await first;
    await owner.stop();
  });

  it('ends every wait when it is closed', async () => {
    const { watcher, owner } = watching();
    const waits = [watcher.waitBeyond('a', 1, longMs), watcher.waitBeyond('b', 1, longMs)];
    watcher.close();
    await Promise.all(waits);
    expect(await watcher.waitBeyond('c', 1, longMs)).toBe('refused');
    await owner.stop();
  });
});
