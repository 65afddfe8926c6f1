import { limits } from '@ryax/contracts';
import { InvalidAppendError } from '../errors';
import { verifyStream } from '../verify-stream';
import { appended, appendTo, decision, event, events, freshName, headOf, type ContractSubject } from './subject';

export function describeAppend(subject: () => ContractSubject): void {
  describe('append', () => {
    it('makes a stream of its first events, and goes on where they ended', async () => {
      const { log } = subject();
      const stream = freshName();

      const first = await appended(log, appendTo(stream, undefined, { events: events(2) }));
      const second = await appended(log, appendTo(stream, first, { events: events(1), open: false }));

      expect([first.version, second.version]).toEqual([2, 3]);
      expect(await log.readHead(stream)).toMatchObject({ version: 3, hash: second.hash, open: false });
      expect(await verifyStream(log, stream)).toEqual({ status: 'intact', version: 3 });
    });

    it('gives later events of a stream higher positions, and answers the last one', async () => {
      const { log } = subject();
      const stream = freshName();

      const [outcome] = await log.append([decision(appendTo(stream, undefined, { events: events(50) }))]);

      const positions = (await log.readStream(stream)).map(({ position }) => position);
      expect(positions).toEqual([...positions].sort((a, b) => a - b));
      expect(outcome).toMatchObject({ status: 'appended', lastPosition: positions.at(-1) });
      expect(await log.lastPosition()).toBeGreaterThanOrEqual(positions.at(-1) ?? Infinity);
    });

    it.each([
      ['a new stream where one is', { expectedVersion: 0, expectedHash: null }],
      ['a version that has passed', { expectedVersion: 1 }],
      ['a version that has not come', { expectedVersion: 3 }],
    ])('conflicts on %s', async (_case, expected) => {
      const { log } = subject();
      const stream = freshName();
      const head = await appended(log, appendTo(stream, undefined, { events: events(2) }));

      const [outcome] = await log.append([decision(appendTo(stream, head, expected))]);

      const { expectedVersion } = expected;
      expect(outcome).toEqual({ status: 'conflict', streamId: stream, expectedVersion });
      expect(await log.readStream(stream)).toHaveLength(2);
    });

    it('appends what was decided in view of another stream only while that stands where it stood', async () => {
      const { log } = subject();
      const [other, timely, late, lost] = [freshName(), freshName(), freshName(), freshName()];
      const seen = await appended(log, appendTo(other, undefined));
      const given = { streamId: other, version: seen.version };

      const before = await log.append([decision(appendTo(timely, undefined, { given }))]);
      await appended(log, appendTo(other, seen));
      const after = await log.append([
        decision(appendTo(late, undefined, { given })),
        decision(appendTo(lost, undefined, { given: { streamId: freshName(), version: 1 } })),
        decision(appendTo(timely, headOf(before[0]), { given: { streamId: other, version: 2 } })),
      ]);

      expect([...before, ...after].map(({ status }) => status)).toEqual([
        'appended',
        'conflict',
        'conflict',
        'appended',
      ]);
      expect([await log.readHead(late), await log.readHead(lost)]).toEqual([undefined, undefined]);
    });

    it('conflicts on a stream that does not exist, and does not make it', async () => {
      const { log } = subject();
      const stream = freshName();

      const [outcome] = await log.append([decision(appendTo(stream, { version: 1, hash: 'ab'.repeat(32) }))]);

      expect(outcome?.status).toBe('conflict');
      expect(await log.readHead(stream)).toBeUndefined();
    });

    it('conflicts when the history is another one of the same length, as after a fail-over', async () => {
      const { log } = subject();
      const stream = freshName();
      const head = await appended(log, appendTo(stream, undefined));

      const [outcome] = await log.append([decision(appendTo(stream, { ...head, hash: 'ab'.repeat(32) }))]);

      expect(outcome?.status).toBe('conflict');
      expect(await verifyStream(log, stream)).toEqual({ status: 'intact', version: 1 });
    });

    it('keeps a batch whole when one stream conflicts', async () => {
      const { log } = subject();
      const [before, losing, after] = [freshName(), freshName(), freshName()];
      await appended(log, appendTo(losing, undefined));

      const outcomes = await log.append([before, losing, after].map((stream) => decision(appendTo(stream, undefined))));

      expect(outcomes.map(({ status }) => status)).toEqual(['appended', 'conflict', 'appended']);
      expect(await log.headVersions([before, losing, after])).toEqual(
        new Map([before, losing, after].map((stream) => [stream, 1])),
      );
    });

    it('does not splice two histories into one when many writers append at one version', async () => {
      const { log } = subject();
      const stream = freshName();
      let head = await appended(log, appendTo(stream, undefined));

      for (let round = 0; round < 5; round++) {
        const writers = Array.from({ length: 8 }, (_, writer) =>
          log.append([decision(appendTo(stream, head, { events: events(1 + writer) }))]),
        );
        const outcomes = (await Promise.all(writers)).flat();
        const winners = outcomes.filter(({ status }) => status === 'appended');
        expect(winners).toHaveLength(1);
        head = headOf(winners[0]);
      }

      expect(await verifyStream(log, stream)).toEqual({ status: 'intact', version: head.version });
    });

    it('does not deadlock when batches touch heads in different orders', async () => {
      const { log } = subject();
      const streams = Array.from({ length: 40 }, () => freshName());
      let heads = await Promise.all(streams.map((stream) => appended(log, appendTo(stream, undefined))));

      for (let round = 0; round < 10; round++) {
        const batch = heads.map((head) => decision(appendTo(head.streamId, head)));
        const outcomes = await Promise.all([log.append(batch), log.append([...batch].reverse())]);
        expect(outcomes.flat().filter(({ status }) => status === 'appended')).toHaveLength(streams.length);
        heads = outcomes
          .flat()
          .filter(({ status }) => status === 'appended')
          .map(headOf);
      }
    });

    it('answers outcomes in the order of the decisions', async () => {
      const { log } = subject();
      const streams = Array.from({ length: 500 }, () => freshName());

      const outcomes = await log.append(streams.map((stream) => decision(appendTo(stream, undefined))));

      expect(outcomes.map((outcome) => headOf(outcome).streamId)).toEqual(streams);
    });
  });

  describe('what can be stored', () => {
    const awkward = {
      nul: '\u0000',
      loneSurrogates: ['\ud800', '\udfff'],
      quotes: `"'\\{},`,
      empty: '',
      NULL: null,
      emoji: '👩‍🚀',
      lines: '\r\n\t\u2028',
    };

    it('gives back exactly the bytes it was given, and one awkward value spoils nobody else', async () => {
      const { log } = subject();
      const [stream, other] = [freshName(), freshName()];
      const texts = [JSON.stringify(awkward), ' { "b" : 1.0, "a": 1e400, "a": 2 }', 'NULL', '{}', '"\\\\"'];

      await log.append([
        decision(appendTo(stream, undefined, { events: texts.map((data) => event({ data, metadata: data })) })),
        decision(appendTo(other, undefined)),
      ]);

      const stored = await log.readStream(stream);
      expect(stored.map(({ data }) => data)).toEqual(texts);
      expect(stored.map(({ metadata }) => metadata)).toEqual(texts);
      expect(await verifyStream(log, stream)).toEqual({ status: 'intact', version: texts.length });
    });

    it('keeps the time of the decision, not its own', async () => {
      const { log } = subject();
      const stream = freshName();

      await appended(log, appendTo(stream, undefined, { events: [event({ recordedAt: 123 })] }));

      expect(await log.readStream(stream)).toMatchObject([{ recordedAt: 123 }]);
    });

    it('takes an event of the largest size', async () => {
      const { log } = subject();
      const data = JSON.stringify('x'.repeat(limits.eventBytes - 2));

      const head = await appended(log, appendTo(freshName(), undefined, { events: [event({ data })] }));

      expect(await log.readStream(head.streamId)).toMatchObject([{ data }]);
    });

    it.each([
      ['too-large', { events: [event({ data: JSON.stringify('é'.repeat(limits.eventBytes / 2)) })] }],
      ['too-large', { events: [event({ metadata: JSON.stringify('x'.repeat(limits.eventBytes)) })] }],
      ['text-not-storable', { events: [event({ data: '"\u0000"' })] }],
      ['text-not-storable', { events: [event({ metadata: '"\ud800"' })] }],
      ['text-not-storable', { events: [event({ data: '"\u001e"' })] }],
      ['number-out-of-range', { events: [event({ recordedAt: 1.5 })] }],
      ['number-out-of-range', { events: [event({ schema: 2 ** 31 })] }],
      ['number-out-of-range', { wakeupAt: Number.NaN }],
      ['no-events', { events: [] }],
      ['hash-does-not-fit', { expectedVersion: 4, expectedHash: null }],
    ])('refuses %s, naming the stream, before any of the batch is appended', async (reason, over) => {
      const { log } = subject();
      const [good, bad] = [freshName(), freshName()];

      const append = log.append([decision(appendTo(good, undefined)), decision(appendTo(bad, undefined, over))]);

      await expect(append).rejects.toBeInstanceOf(InvalidAppendError);
      await expect(append).rejects.toMatchObject({ reason, streamId: bad });
      expect(await log.headVersions([good, bad])).toEqual(new Map());
    });

    it('refuses a stream id that an index may not take', async () => {
      const streamId = freshName(`run:default:${'x'.repeat(1_024)}`);

      const append = subject().log.append([decision(appendTo(streamId, undefined))]);

      await expect(append).rejects.toMatchObject({ reason: 'too-large', streamId });
    });

    it('refuses a stream that is twice in a batch', async () => {
      const { log } = subject();
      const stream = freshName();
      const twice = log.append([decision(appendTo(stream, undefined)), decision(appendTo(stream, undefined))]);

      await expect(twice).rejects.toMatchObject({ reason: 'duplicate-stream', streamId: stream });
    });
  });
}
