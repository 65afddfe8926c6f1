import { Health, Log } from '@ryax/platform';
import type { Connection } from './database';
import { readDurability, watchDurability } from './durability';

const durable = { fsync: 'on', full_page_writes: 'on', synchronous_commit: 'on', standbys: '' };

/** A database with these settings. */
const withSettings = (changed: Partial<typeof durable>) =>
  ({ query: () => Promise.resolve([{ ...durable, ...changed }]) }) as unknown as Connection;

describe('what a commit survives', () => {
  it.each([
    ['a server of its own', {}, { level: 'this-server', off: [] }],
    ['a synchronous standby', { standbys: '*' }, { level: 'synchronous-standby', off: [] }],
    [
      'a standby that is not waited for',
      { standbys: '*', synchronous_commit: 'local' },
      { level: 'this-server', off: [] },
    ],
    ['fsync off', { fsync: 'off' }, { level: 'not-durable', off: ['fsync'] }],
    ['full_page_writes off', { full_page_writes: 'off' }, { level: 'not-durable', off: ['full_page_writes'] }],
    [
      'synchronous_commit off, whatever its standbys',
      { synchronous_commit: 'off', standbys: '*' },
      { level: 'not-durable', off: ['synchronous_commit'] },
    ],
  ])('with %s is named', async (_, settings, durability) => {
    expect(await readDurability(withSettings(settings))).toEqual(durability);
  });

  const watching = async (connection: Connection) => {
    const lines: string[] = [];
    const health = new Health();
    await watchDurability(health, connection, new Log({ service: 'spec', write: (line) => lines.push(line) }));
    return { lines, facts: await health.facts.current() };
  };

  it('is said by /readyz, and warned of at the start where it is nothing', async () => {
    const { lines, facts } = await watching(withSettings({ fsync: 'off' }));
    expect(facts).toEqual({ durability: { level: 'not-durable', off: ['fsync'] } });
    expect(lines.map((line): unknown => JSON.parse(line))).toMatchObject([{ level: 'warn', off: ['fsync'] }]);
    expect((await watching(withSettings({}))).lines).toEqual([]);
  });

  it('keeps nobody from starting when it cannot be read', async () => {
    const { facts } = await watching({ query: () => Promise.reject(new Error('gone')) });
    expect(facts).toEqual({ durability: 'unknown' });
  });
});
