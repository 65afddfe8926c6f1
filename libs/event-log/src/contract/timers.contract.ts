import type { HeadCursor } from '../event-log';
import { appended, appendTo, decision, freshName, freshPartition, headOf, type ContractSubject } from './subject';

const hourMs = 3_600_000;

export function describeTimers(subject: () => ContractSubject): void {
  describe('timers', () => {
    it('finds what is due in its partitions, earliest first, and nothing else', async () => {
      const { log } = subject();
      const [partition, other] = [freshPartition(), freshPartition()];
      const now = await log.now();
      const make = (wakeupAt: number | null, over = {}) =>
        appended(log, appendTo(freshName(), undefined, { partition, wakeupAt, ...over }));
      const late = await make(now - 10);
      const early = await make(now - 20);
      await make(now + hourMs);
      await make(null);
      await make(now - 30, { open: false });
      await make(now - 30, { partition: other });

      const due = await log.dueHeads([partition], 10);

      expect(due.map(({ streamId }) => streamId)).toEqual([early.streamId, late.streamId]);
      expect(await log.dueHeads([partition], 1)).toHaveLength(1);
      expect(await log.nextWakeup([partition, other])).toBe(now - 30);
    });

    it('knows of no next wakeup where no open stream has one', async () => {
      const { log } = subject();
      const partition = freshPartition();
      await appended(log, appendTo(freshName(), undefined, { partition, wakeupAt: null }));

      expect(await log.nextWakeup([partition])).toBeUndefined();
    });

    it('counts the open streams of a project, and no others', async () => {
      const { log } = subject();
      const project = freshName('project-');
      const one = freshName();
      const head = await appended(log, appendTo(one, undefined, { project }));
      await appended(log, appendTo(freshName(), undefined, { project }));
      await appended(log, appendTo(freshName(), undefined));
      expect(await log.countOpen(project)).toBe(2);

      await appended(log, appendTo(one, head, { project, open: false }));
      expect(await log.countOpen(project)).toBe(1);
    });

    it('lowers a wakeup for an earlier timer, and keeps it when the timers left are later', async () => {
      const { log } = subject();
      const now = await log.now();
      const stream = freshName();
      const wakeupAt = async () => (await log.readHead(stream))?.wakeupAt;

      let head = await appended(log, appendTo(stream, undefined, { wakeupAt: now + 2 * hourMs }));
      head = await appended(log, appendTo(stream, head, { wakeupAt: now + hourMs }));
      expect(await wakeupAt()).toBe(now + hourMs);
      head = await appended(log, appendTo(stream, head, { wakeupAt: now + 3 * hourMs }));
      expect(await wakeupAt()).toBe(now + hourMs);
      await appended(log, appendTo(stream, head, { wakeupAt: null }));
      expect(await wakeupAt()).toBe(now + hourMs);
    });

    it('replaces a wakeup that has fired', async () => {
      const { log } = subject();
      const now = await log.now();
      const stream = freshName();
      const head = await appended(log, appendTo(stream, undefined, { wakeupAt: now - 1 }));

      await appended(log, appendTo(stream, head, { wakeupAt: now + hourMs }));

      expect((await log.readHead(stream))?.wakeupAt).toBe(now + hourMs);
    });

    it('moves the wakeup of a firing that appended nothing, unless the stream has moved on', async () => {
      const { log } = subject();
      const partition = freshPartition();
      const now = await log.now();
      const make = () => appended(log, appendTo(freshName(), undefined, { partition, wakeupAt: now - 1 }));
      const [still, moved] = [await make(), await make()];
      await appended(log, appendTo(moved.streamId, moved, { partition, wakeupAt: now - 2 }));

      await log.moveWakeups([still, moved].map(({ streamId }) => ({ streamId, seenVersion: 1, wakeupAt: null })));

      expect((await log.dueHeads([partition], 10)).map(({ streamId }) => streamId)).toEqual([moved.streamId]);
    });

    it('does not deadlock when wakeups are moved against the order of an append', async () => {
      const { log } = subject();
      const streams = Array.from({ length: 300 }, () => freshName());
      let outcomes = await log.append(streams.map((stream) => decision(appendTo(stream, undefined))));

      for (let round = 0; round < 10; round++) {
        const heads = outcomes.map(headOf);
        const moves = heads.map(({ streamId, version }) => ({ streamId, seenVersion: version, wakeupAt: round }));
        [outcomes] = await Promise.all([
          log.append(heads.map((head) => decision(appendTo(head.streamId, head)))),
          log.moveWakeups([...moves].reverse()),
          log.moveWakeups(moves),
        ]);
        expect(outcomes.map(({ status }) => status)).not.toContain('conflict');
      }
    });
  });

  describe('taking over partitions', () => {
    it('lists those due first, then every open head of the partitions, page by page', async () => {
      const { log } = subject();
      const [one, two, other] = [freshPartition(), freshPartition(), freshPartition()];
      const now = await log.now();
      const due = await appended(log, appendTo(freshName(), undefined, { partition: two, wakeupAt: now - 1 }));
      const open = await Promise.all(
        Array.from({ length: 5 }, (_, index) =>
          appended(log, appendTo(freshName(), undefined, { partition: index % 2 ? one : two })),
        ),
      );
      await appended(log, appendTo(freshName(), undefined, { partition: one, open: false }));
      await appended(log, appendTo(freshName(), undefined, { partition: other }));

      const seen: string[] = [];
      let cursor: HeadCursor | undefined;
      do {
        const { heads, next } = await log.openHeads([one, two], cursor, 2);
        seen.push(...heads.map(({ streamId }) => streamId));
        cursor = next;
      } while (cursor);

      expect(seen[0]).toBe(due.streamId);
      expect(seen.slice(1).sort()).toEqual([due, ...open].map(({ streamId }) => streamId).sort());
    });

    it('does not lose a stream whose timer fires between two pages', async () => {
      const { log } = subject();
      const partition = freshPartition();
      const now = await log.now();
      const [early, late] = [freshName('a:default:'), freshName('b:default:')];
      const head = await appended(log, appendTo(early, undefined, { partition, wakeupAt: now + hourMs }));
      await appended(log, appendTo(late, undefined, { partition, wakeupAt: now - 1 }));

      const first = await log.openHeads([partition], undefined, 1);
      await log.moveWakeups([{ streamId: early, seenVersion: head.version, wakeupAt: now - 1 }]);
      const second = await log.openHeads([partition], first.next, 10);
      const third = await log.openHeads([partition], second.next, 10);

      const seen = [first, second, third].flatMap(({ heads }) => heads.map(({ streamId }) => streamId));
      expect(new Set(seen)).toEqual(new Set([early, late]));
      expect(third.next).toBeUndefined();
    });
  });
}
