import type { MemberBeat } from '../members';
import { freshName, type ContractSubject } from './subject';

const minuteMs = 60_000;

export function describeMembers(subject: () => ContractSubject): void {
  const beat = (over: Partial<MemberBeat> = {}): MemberBeat => ({
    id: 'executor-0',
    incarnation: freshName('incarnation:'),
    kind: 'executor',
    site: 'local',
    pools: '{"cpu":4}',
    wanted: '{}',
    schemaMax: 1,
    lock: null,
    keepsWork: false,
    poolKinds: '[]',
    sent: 1.5,
    ...over,
  });
  const find = async (incarnation: string, withinMs = minuteMs) =>
    (await subject().members.live(withinMs)).find((member) => member.incarnation === incarnation);

  describe('members', () => {
    it('are alive by their beat, on the clock of the database', async () => {
      const { log, members } = subject();
      const first = beat();
      await members.beat(first);

      const found = await find(first.incarnation);

      expect(found).toEqual({ ...first, beatAt: expect.any(Number) as number });
      expect(Math.abs((await log.now()) - (found?.beatAt ?? 0))).toBeLessThan(minuteMs);
      expect(await find(first.incarnation, 0)).toBeUndefined();
    });

    it('say the newest that they have said, whatever arrives late', async () => {
      const { members } = subject();
      const first = beat();

      await members.beat(first);
      await members.beat({ ...first, sent: 3, wanted: '{"cpu":2}' });
      await members.beat({ ...first, sent: 2, wanted: '{"cpu":9}' });

      expect(await find(first.incarnation)).toMatchObject({ sent: 3, wanted: '{"cpu":2}' });
    });

    it('keep work for good once they have said so, whoever writes their next beat without knowing it', async () => {
      const { members } = subject();
      const [keeping, usual] = [beat(), beat()];
      for (const each of [keeping, usual]) await members.beat(each);
      expect(await find(keeping.incarnation)).toMatchObject({ keepsWork: false });

      await members.beat({ ...keeping, sent: 2, keepsWork: true });
      await members.beat({ ...keeping, sent: 3, keepsWork: false });

      expect(await find(keeping.incarnation)).toMatchObject({ sent: 3, keepsWork: true });
      expect(await find(usual.incarnation)).toMatchObject({ keepsWork: false });
    });

    it('are gone with the lock that they hold, however young their beat, and back when they hold it again', async () => {
      const { members, locks } = subject();
      const name = freshName('runner/');
      const holding = beat({ kind: 'runner', lock: name });
      const lock = await locks.tryAcquire(name);
      await members.beat(holding);
      expect(await find(holding.incarnation)).toMatchObject({ lock: name });

      await lock?.release();
      expect(await find(holding.incarnation)).toBeUndefined();
      await members.beat({ ...holding, sent: 2 });
      expect(await find(holding.incarnation)).toBeUndefined();

      const again = await locks.tryAcquire(name);
      expect(await find(holding.incarnation)).toMatchObject({ sent: 2 });
      await again?.release();
    });

    it('count by their beats alone where they name no lock', async () => {
      const { members, locks } = subject();
      const [silent, holding] = [beat(), beat({ lock: freshName('runner/') })];
      const lock = await locks.tryAcquire(holding.lock ?? '');

      await members.beat(silent);
      await members.beat(holding);
      await lock?.release();

      expect(await find(silent.incarnation)).toBeDefined();
      expect(await find(holding.incarnation)).toBeUndefined();
    });

    it('are one for each incarnation', async () => {
      const { members } = subject();
      const [before, after] = [beat({ id: 'twice' }), beat({ id: 'twice' })];

      await members.beat(before);
      await members.beat(after);

      const incarnations = (await members.live(minuteMs)).filter(({ id }) => id === 'twice');
      expect(incarnations.map(({ incarnation }) => incarnation).sort()).toEqual(
        [before.incarnation, after.incarnation].sort(),
      );
    });

    it('are gone when they leave, or are forgotten after a long silence', async () => {
      const { members } = subject();
      const [leaving, silent] = [beat(), beat()];
      await members.beat(leaving);
      await members.beat(silent);

      await members.leave(leaving.incarnation);
      expect(await find(leaving.incarnation)).toBeUndefined();
      await members.forget(minuteMs);
      expect(await find(silent.incarnation)).toBeDefined();
      await members.forget(0);
      expect(await find(silent.incarnation)).toBeUndefined();
    });
  });
}
