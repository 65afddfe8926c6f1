import type { StreamDecision } from './decider';
import { boundedBatches } from './stream-append';

const kibibyte = 1024;

/** A decision of events with so many bytes of data each. */
function decisionOf(...bytes: readonly number[]) {
  const stored = (size: number) => ({
    type: 'ThingHappened',
    schema: 1,
    data: 'x'.repeat(size),
    metadata: '{}',
    recordedAt: 0,
  });
  return { events: bytes.map((size) => ({ stored: stored(size) })) as unknown as StreamDecision['events'] };
}

describe('an append', () => {
  const sizes = (...decisions: ReturnType<typeof decisionOf>[]) =>
    boundedBatches(decisions).map(({ length }) => length);

  it('a batch is bounded in bytes', () => {
    const largest = Array.from({ length: 100 }, () => decisionOf(256 * kibibyte));
    expect(sizes(...largest)).toEqual([32, 32, 32, 4]);
  });

  it('is one for all decisions of an ordinary batch, and none where there are none', () => {
    expect(sizes(...Array.from({ length: 500 }, () => decisionOf(kibibyte, kibibyte)))).toEqual([500]);
    expect(sizes()).toEqual([]);
  });

  it('never cuts a decision, however large', () => {
    const large = decisionOf(...Array<number>(64).fill(256 * kibibyte));
    expect(sizes(decisionOf(1), large, decisionOf(1))).toEqual([1, 1, 1]);
  });

  it('keeps the order of the decisions', () => {
    const decisions = Array.from({ length: 70 }, () => decisionOf(200 * kibibyte));
    expect(boundedBatches(decisions).flat()).toEqual(decisions);
  });
});
