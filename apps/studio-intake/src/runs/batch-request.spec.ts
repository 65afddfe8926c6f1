import { InvalidRequestError } from '../errors';
import { batchKey, faultInBatch, readItem } from './batch-request';

/** The places of what an item is refused for. */
function placesOf(item: unknown): readonly string[] {
  try {
    readItem(item, 3, undefined);
  } catch (error) {
    if (error instanceof InvalidRequestError) return error.details.map(({ path }) => path).sort();
    throw error;
  }
  throw new Error(`Expected ${JSON.stringify(item)} to be refused`);
}

describe('an item of a batch', () => {
  it('may leave everything out', () => {
    expect(readItem({}, 0, undefined)).toEqual({ inputs: {}, labels: {}, key: undefined });
  });

  it.each([
    ['its own key, if it has one', { idempotency_key: 'own' }, 'nightly', 'own'],
    ['a key made of the key of the batch and its index', {}, 'nightly', 'nightly:7'],
    ['no key where there is none', {}, undefined, undefined],
  ])('has %s', (_name, item, key, expected) => {
    expect(readItem(item, 7, key).key).toBe(expected);
  });

  it.each([
    [null, ['']],
    ['text', ['']],
    [{ input: {}, label: {} }, ['']],
    [{ inputs: [], labels: { team: 7 } }, ['inputs', 'labels.team']],
    [{ idempotency_key: '' }, ['idempotency_key']],
    [{ idempotency_key: 'k'.repeat(257) }, ['idempotency_key']],
  ])('is refused with every fault at its place: %j', (item, places) => {
    expect(placesOf(item)).toEqual(places);
  });

  it('shows its faults at their place in the whole body', () => {
    expect(faultInBatch({ path: 'inputs.name', reason: 'r' }, 3).path).toBe('runs[3].inputs.name');
    expect(faultInBatch({ path: '', reason: 'r' }, 3).path).toBe('runs[3]');
  });
});

describe('the key of a batch', () => {
  it('leaves room for what makes it the key of its last item', () => {
    const key = batchKey('k'.repeat(252));
    expect(readItem({}, 999, key).key).toHaveLength(256);
    expect(() => batchKey('k'.repeat(253))).toThrow(InvalidRequestError);
    expect(() => batchKey('')).toThrow(InvalidRequestError);
    expect(batchKey(undefined)).toBeUndefined();
  });
});
