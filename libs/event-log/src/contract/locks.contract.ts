import { freshName, type ContractSubject } from './subject';

export function describeLocks(subject: () => ContractSubject): void {
  describe('locks', () => {
    it('have one holder, and pass on when released', async () => {
      const { locks } = subject();
      const name = freshName('shard:');
      const first = await locks.tryAcquire(name);

      expect(await locks.tryAcquire(name)).toBeUndefined();
      await first?.release();
      const second = await locks.tryAcquire(name);

      expect(second).toBeDefined();
      expect(first?.lost.aborted).toBe(false);
      await second?.release();
    });

    it('of different names do not meet', async () => {
      const { locks } = subject();
      const held = await Promise.all([locks.tryAcquire(freshName('shard:')), locks.tryAcquire(freshName('shard:'))]);

      expect(held).not.toContain(undefined);
      for (const lock of held) await lock?.release();
    });
  });
}
