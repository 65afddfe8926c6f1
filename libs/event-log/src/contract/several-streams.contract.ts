import { verifyStream } from '../verify-stream';
import { appended, appendTo, decision, events, freshName, type ContractSubject } from './subject';

export function describeDecisionsOnSeveralStreams(subject: () => ContractSubject): void {
  describe('a decision on several streams', () => {
    it('appends to all of them', async () => {
      const { log } = subject();
      const [run, lock] = [freshName(), freshName('lock:default:')];

      const [outcome] = await log.append([
        decision(appendTo(run, undefined, { events: events(2) }), appendTo(lock, undefined)),
      ]);

      expect(outcome).toMatchObject({
        status: 'appended',
        heads: [
          { streamId: run, version: 2 },
          { streamId: lock, version: 1 },
        ],
      });
      const last = Math.max(...(await log.readStream(run)).map(({ position }) => position));
      expect(outcome).toMatchObject({ lastPosition: last + 1 });
    });

    it('appends to none of them when one conflicts, and leaves the rest of the batch alone', async () => {
      const { log } = subject();
      const [run, taken, other] = [freshName(), freshName('lock:default:'), freshName()];
      await appended(log, appendTo(taken, undefined));

      const outcomes = await log.append([
        decision(appendTo(run, undefined), appendTo(taken, undefined)),
        decision(appendTo(other, undefined)),
      ]);

      expect(outcomes[0]).toEqual({ status: 'conflict', streamId: taken, expectedVersion: 0 });
      expect(outcomes[1]).toMatchObject({ status: 'appended' });
      expect(await log.headVersions([run, taken, other])).toEqual(
        new Map([
          [taken, 1],
          [other, 1],
        ]),
      );
      expect(await log.readStream(run)).toEqual([]);
    });

    it('lets one of two that meet win, in whatever order they name their streams', async () => {
      const { log } = subject();
      const [a, b] = [freshName(), freshName()];
      let heads = [await appended(log, appendTo(a, undefined)), await appended(log, appendTo(b, undefined))];

      for (let round = 0; round < 10; round++) {
        const appends = heads.map((head) => appendTo(head.streamId, head));
        const outcomes = (
          await Promise.all([log.append([decision(...appends)]), log.append([decision(...appends.reverse())])])
        ).flat();
        const winners = outcomes.flatMap((outcome) => (outcome.status === 'appended' ? [outcome.heads] : []));
        expect(winners).toHaveLength(1);
        heads = [...(winners[0] ?? [])];
      }

      expect(await verifyStream(log, a)).toEqual({ status: 'intact', version: 11 });
      expect(await verifyStream(log, b)).toEqual({ status: 'intact', version: 11 });
    });
  });
}
