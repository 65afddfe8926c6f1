import { limits } from '@ryax/contracts';
import type { Snapshot, StreamsRange } from '../event-log';
import { streamPages } from '../stream-pages';
import { verifyStream } from '../verify-stream';
import { appended, appendTo, decision, event, events, freshName, type ContractSubject } from './subject';

export function describeReading(subject: () => ContractSubject): void {
  describe('reading streams', () => {
    it('reads a range in version order', async () => {
      const { log } = subject();
      const { streamId } = await appended(log, appendTo(freshName(), undefined, { events: events(10) }));

      const versions = async (range: object) => (await log.readStream(streamId, range)).map(({ version }) => version);

      expect(await versions({ fromVersion: 4, toVersion: 6 })).toEqual([4, 5, 6]);
      expect(await versions({ fromVersion: 4, limit: 2 })).toEqual([4, 5]);
      expect(await versions({ fromVersion: 11 })).toEqual([]);
    });

    it('gives every field of an event back', async () => {
      const { log } = subject();
      const written = event({ type: 'Told', schema: 3, data: '{"a":1}', metadata: '{"b":2}', recordedAt: 5 });
      const head = await appended(log, appendTo(freshName(), undefined, { project: 'blue', events: [written] }));

      const [read] = await log.readStream(head.streamId);

      expect(read).toEqual({ ...written, ...head, project: 'blue', position: expect.any(Number) as number });
    });

    it('reads exactly the versions asked for, without those that do not exist', async () => {
      const { log } = subject();
      const { streamId } = await appended(log, appendTo(freshName(), undefined, { events: events(5) }));

      expect((await log.readVersions(streamId, [4, 2, 9])).map(({ version }) => version)).toEqual([2, 4]);
    });

    it('bounds a page in bytes, and loses nothing by that', async () => {
      const { log } = subject();
      const large = event({ data: JSON.stringify('x'.repeat(limits.eventBytes - 2)) });
      const { streamId } = await appended(log, appendTo(freshName(), undefined, { events: Array(40).fill(large) }));

      const sizes: number[] = [];
      for await (const page of streamPages(log, streamId)) sizes.push(page.length);

      expect(Math.max(...sizes)).toBeLessThan(40);
      expect(sizes.reduce((sum, size) => sum + size)).toBe(40);
    });

    it('reads many streams at once, each whole, and those that do not exist as empty', async () => {
      const { log } = subject();
      const streams = Array.from({ length: 300 }, () => freshName());
      await log.append(
        streams.map((stream, index) => decision(appendTo(stream, undefined, { events: events(1 + (index % 7)) }))),
      );
      const unknown = freshName();

      const read = await log.readStreams([...streams, unknown]);

      expect([...read.keys()]).toEqual([...streams, unknown]);
      expect(read.get(unknown)).toEqual([]);
      for (const stream of streams.slice(0, 7)) expect(read.get(stream)).toEqual(await log.readStream(stream));
      expect(await log.readStreams([])).toEqual(new Map());
    });

    it('leaves long streams out of many, and reads the others', async () => {
      const { log } = subject();
      const [short, long, after] = [freshName(), freshName(), freshName()];
      await log.append([
        decision(appendTo(short, undefined, { events: events(3) })),
        decision(appendTo(long, undefined, { events: events(4) })),
        decision(appendTo(after, undefined, { events: events(1) })),
      ]);

      expect([...(await log.readStreams([short, long, after], { eventsEach: 3 })).keys()]).toEqual([short, after]);
    });

    it('bounds many streams in bytes and events, and gives none of them in part', async () => {
      const { log } = subject();
      const large = event({ data: JSON.stringify('x'.repeat(limits.eventBytes - 2)) });
      const streams = Array.from({ length: 12 }, () => freshName());
      await log.append(
        streams.map((stream) => decision(appendTo(stream, undefined, { events: [event(), large, large, large] }))),
      );

      const readInAll = async (range?: StreamsRange) => {
        const read: [string, number][] = [];
        const counts: number[] = [];
        for (let rest = streams; rest.length > 0; rest = rest.filter((stream) => !read.some(([id]) => id === stream))) {
          const page = await log.readStreams(rest, range);
          if (page.size === 0) break;
          counts.push(page.size);
          read.push(...[...page].map(([stream, { length }]) => [stream, length] as [string, number]));
        }
        return { read, counts };
      };

      const whole = streams.map((stream) => [stream, 4]);
      const byBytes = await readInAll();
      expect(byBytes.read).toEqual(whole);
      expect(byBytes.counts.length).toBeGreaterThan(1);
      expect(await readInAll({ events: 10 })).toEqual({ read: whole, counts: [3, 3, 3, 3] });
      expect((await readInAll({ bytes: limits.eventBytes })).read).toEqual([]);
    });

    it('answers versions and hashes of the heads that exist', async () => {
      const { log } = subject();
      const { streamId, hash } = await appended(log, appendTo(freshName(), undefined, { events: events(3) }));

      expect(await log.headVersions([streamId, freshName()])).toEqual(new Map([[streamId, 3]]));
      expect(await log.headHashes([streamId, freshName()])).toEqual(new Map([[streamId, hash]]));
    });

    it('says of a stream that does not exist that it is absent', async () => {
      const { log } = subject();

      expect(await log.readHead(freshName())).toBeUndefined();
      expect(await log.readStream(freshName())).toEqual([]);
      expect(await verifyStream(log, freshName())).toEqual({ status: 'absent' });
    });
  });

  describe('snapshots', () => {
    const snapshotOf = (head: { streamId: string; version: number; hash: string }, over: Partial<Snapshot> = {}) => ({
      ...head,
      schema: 1,
      state: '{"at":"\\u0000"}',
      ...over,
    });

    it('gives back the newest of a schema number, and nothing of another', async () => {
      const { log } = subject();
      const old = await appended(log, appendTo(freshName(), undefined));
      const head = await appended(log, appendTo(old.streamId, old));

      await log.saveSnapshot(snapshotOf(head));
      await log.saveSnapshot(snapshotOf(old, { state: '"late"' }));

      expect(await log.loadSnapshot(head.streamId, 1)).toEqual(snapshotOf(head));
      expect(await log.loadSnapshot(head.streamId, 2)).toBeUndefined();
    });

    it('ignores one of a history that the log does not hold', async () => {
      const { log } = subject();
      const head = await appended(log, appendTo(freshName(), undefined));

      await log.saveSnapshot(snapshotOf(head, { hash: 'ab'.repeat(32) }));

      expect(await log.loadSnapshot(head.streamId, 1)).toBeUndefined();
    });
  });
}
