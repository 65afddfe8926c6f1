import fc from 'fast-check';
import type { LogChunk } from '@ryax/contracts';
import { Log, Owner } from '@ryax/platform';
import { AttemptLog } from './attempt-log';
import { Envelopes } from './envelope';
import { Outbox } from './outbox';
import { FakeBroker } from './testing/fake-broker';
import { settle, VirtualTime } from './testing/virtual-time';
import { Timers } from './timers';

const of = { project: 'default', run_id: 'r1', execution: 'a', attempt: 1 };

function given(limitBytes?: number) {
  const time = new VirtualTime();
  const broker = new FakeBroker();
  const platformLog = new Log({ service: 'test', write: () => undefined });
  const timers = new Timers(time, platformLog, time.alarm);
  const outbox = new Outbox(broker, timers, new Owner(platformLog), platformLog);
  const log = new AttemptLog(of, outbox, timers, new Envelopes('i1'), limitBytes);
  const chunks = () => broker.published.flatMap(({ messages }) => messages.map(({ data }) => data as LogChunk));
  return { time, broker, log, chunks };
}

describe('log of an attempt', () => {
  it('gathers what is written shortly after each other into one chunk', async () => {
    const { time, log, chunks } = given();
    log.write(Buffer.from('one\n'));
    await time.advance(49);
    log.write(Buffer.from('two\n'));
    expect(chunks()).toEqual([]);
    await time.advance(1);
    expect(chunks()).toEqual([{ ...of, offset: 0, text: 'one\ntwo\n', bytes: 8, end: false }]);
  });

  it('does not wait once a chunk is full', async () => {
    const { log, chunks } = given();
    log.write(Buffer.alloc(80 * 1024, 'x'));
    await settle();
    expect(chunks().map(({ offset, bytes }) => [offset, bytes])).toEqual([
      [0, 32 * 1024],
      [32 * 1024, 32 * 1024],
      [64 * 1024, 16 * 1024],
    ]);
  });

  it('ends with a chunk that says so, even when nothing was written', async () => {
    const { log, chunks } = given();
    await log.end();
    expect(chunks()).toEqual([{ ...of, offset: 0, text: '', bytes: 0, end: true }]);
  });

  it('marks the last output as the end, without a chunk of its own', async () => {
    const { log, chunks } = given();
    log.write(Buffer.from('bye'));
    await log.end();
    expect(chunks()).toEqual([{ ...of, offset: 0, text: 'bye', bytes: 3, end: true }]);
  });

  it('cuts no character, and counts bytes as they came, however they came', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.string({ unit: 'grapheme' }),
        fc.array(fc.integer({ min: 1, max: 9 })),
        async (text, cuts) => {
          const { time, log, chunks } = given();
          let rest = Buffer.from(text);
          for (const length of cuts) {
            log.write(rest.subarray(0, length));
            rest = rest.subarray(length);
            await time.advance(60);
          }
          log.write(rest);
          await log.end();
          expect(
            chunks()
              .map((chunk) => chunk.text)
              .join(''),
          ).toBe(text);
          expect(chunks().map(({ end }) => end)).toEqual(chunks().map((_, index) => index === chunks().length - 1));
          let offset = 0;
          for (const chunk of chunks()) {
            expect(chunk.offset).toBe(offset);
            expect(chunk.bytes).toBe(Buffer.byteLength(chunk.text));
            offset += chunk.bytes;
          }
        },
      ),
      { numRuns: 50 },
    );
  });

  it('replaces bytes that are no text, and still counts them', async () => {
    const { log, chunks } = given();
    log.write(Buffer.from([0x61, 0xff, 0x62]));
    await log.end();
    expect(chunks()).toEqual([{ ...of, offset: 0, text: 'a\ufffdb', bytes: 3, end: true }]);
  });

  it('drops what is above the limit, and says how much in its last line', async () => {
    const { log, chunks } = given(10);
    expect(log.write(Buffer.from('12345678'))).toBe(true);
    log.write(Buffer.from('90 too much'));
    log.write(Buffer.from(' and more'));
    await log.end();
    const text = chunks()
      .map((chunk) => chunk.text)
      .join('');
    expect(text).toBe(
      '1234567890\n[ryax] 18 more bytes of output were dropped: a log may have 10 bytes (logBytesPerAttempt)\n',
    );
    expect(chunks().at(-1)).toMatchObject({ end: true, offset: 10 });
  });

  it('asks its source to pause while the broker is slow, and to go on when it has caught up', async () => {
    const { broker, log } = given();
    broker.confirms = 'never';
    expect(log.write(Buffer.alloc(200 * 1024))).toBe(true);
    expect(log.write(Buffer.alloc(100 * 1024))).toBe(false);
    const drained = jest.fn();
    const done = log.drained().then(drained);
    await settle();
    expect(drained).not.toHaveBeenCalled();
    broker.confirm();
    await done;
    expect(log.write(Buffer.from('x'))).toBe(true);
  });

  it('has ended only when the broker has all of it', async () => {
    const { broker, log } = given();
    broker.confirms = 'never';
    log.write(Buffer.from('x'));
    const ended = jest.fn();
    const done = log.end().then(ended);
    await settle();
    expect(ended).not.toHaveBeenCalled();
    broker.confirm();
    await done;
  });
});
