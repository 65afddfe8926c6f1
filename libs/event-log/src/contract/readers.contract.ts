import type { StoredEvent } from '../event-log';
import { appended, appendTo, decision, events, freshName, type ContractSubject } from './subject';

export function describeReaders(subject: () => ContractSubject): void {
  describe('readers', () => {
    it('starts at nothing and advances by compare-and-set', async () => {
      const { readers } = subject();
      const name = freshName('reader:');

      expect(await readers.position(name)).toBe(0);
      expect(await readers.advance(name, 0, 5)).toBe(true);
      expect(await readers.advance(name, 0, 7)).toBe(false);
      expect(await readers.advance(name, 5, 9)).toBe(true);
      expect(await readers.position(name)).toBe(9);
    });

    it('advances no reader from where it cannot be', async () => {
      const { readers } = subject();
      const name = freshName('reader:');

      expect(await readers.advance(name, 3, 4)).toBe(false);
      expect(await readers.position(name)).toBe(0);
    });

    it('lets one of two that advance at once win', async () => {
      const { readers } = subject();
      const name = freshName('reader:');

      const wins = await Promise.all([readers.advance(name, 0, 5), readers.advance(name, 0, 6)]);

      expect(wins.filter(Boolean)).toHaveLength(1);
    });
  });

  describe('tail', () => {
    it('delivers what was appended, once and in position order, in pages', async () => {
      const { log, tail } = subject();
      const from = await log.lastPosition();
      const streams = [freshName(), freshName(), freshName()];
      await log.append(streams.map((stream) => decision(appendTo(stream, undefined, { events: events(3) }))));

      const seen: StoredEvent[] = [];
      for (let position = from; ;) {
        const page = await tail.read(position, 2);
        if (page.events.length === 0 && !page.waiting) break;
        seen.push(...page.events);
        position = page.position;
      }

      expect(seen.map(({ position }) => position)).toEqual(seen.map(({ position }) => position).sort((a, b) => a - b));
      expect(seen.map(({ streamId, version }) => `${streamId}@${version}`).sort()).toEqual(
        streams.flatMap((stream) => [1, 2, 3].map((version) => `${stream}@${version}`)).sort(),
      );
    });

    it('answers at once, and from where it was asked, when there is nothing', async () => {
      const { log, tail } = subject();
      await appended(log, appendTo(freshName(), undefined));
      const position = await log.lastPosition();

      expect(await tail.read(position, 10)).toEqual({ events: [], position, waiting: false, full: false });
      expect(await tail.stalled()).toBeUndefined();
    });
  });
}
