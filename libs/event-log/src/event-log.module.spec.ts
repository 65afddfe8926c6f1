import { Inject, Injectable } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { Health, PlatformModule, Shutdown } from '@ryax/platform';
import { useTestDatabase } from '@ryax/testing';
import { appended, appendTo, freshName } from './contract/subject';
import { DatabaseClock } from './database-clock';
import type { EventLog } from './event-log';
import type { Locks } from './locks';
import type { Members } from './members';
import type { Readers, Tail } from './tail';
import { EVENT_LOG, EventLogModule, LOCKS, MEMBERS, READERS, TAIL } from './event-log.module';
import { silentLog } from './postgres/fixture';
import { Settings } from './postgres/settings';

@Injectable()
class Service {
  constructor(
    @Inject(EVENT_LOG) readonly log: EventLog,
    @Inject(TAIL) readonly tail: Tail,
    @Inject(MEMBERS) readonly members: Members,
    @Inject(READERS) readonly readers: Readers,
    @Inject(LOCKS) readonly locks: Locks,
    readonly settings: Settings,
    readonly clock: DatabaseClock,
  ) {}
}

describe(EventLogModule.name, () => {
  const database = useTestDatabase();
  const platform = () => PlatformModule.forRoot({ service: 'spec', log: silentLog });
  const options = () => ({ url: database.url, applicationName: 'spec' });

  it('gives every part, ready to be used, and closes them with the application', async () => {
    const module = await Test.createTestingModule({
      imports: [platform(), EventLogModule.forRoot(options())],
      providers: [Service],
    }).compile();
    const { log, tail, members, readers, locks, settings, clock } = module.get(Service);

    await appended(log, appendTo(freshName(), undefined));
    expect((await tail.read(0, 10)).events.length + (await members.live(1)).length).toBeGreaterThan(0);
    expect(await readers.position('none')).toBe(0);
    await (await locks.tryAcquire('shard'))?.release();
    expect(await settings.partitionCount(8)).toBe(8);
    expect(clock.now()).toBeGreaterThan(0);
    expect(await module.get(Health).facts.current()).toEqual({ durability: { level: 'this-server', off: [] } });

    await module.close();
    await expect(log.now()).rejects.toThrow();
  });

  it('takes its options from a factory, and closes in the last phase of the shutdown', async () => {
    const module = await Test.createTestingModule({
      imports: [platform(), EventLogModule.forRootAsync({ useFactory: options })],
      providers: [Service],
    }).compile();
    const { log } = module.get(Service);
    const shutdown = module.get(Shutdown);
    const stream = freshName();
    shutdown.add('finish', 'an append', async () => {
      await appended(log, appendTo(stream, undefined));
    });

    expect(await shutdown.run('done')).toBe(true);

    expect(await database.query(`SELECT FROM events WHERE stream_id = '${stream}'`)).toHaveLength(1);
    await expect(log.now()).rejects.toThrow();
    await module.close();
  });
});
