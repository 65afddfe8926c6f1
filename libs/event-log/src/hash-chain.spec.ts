import { createHash } from 'node:crypto';
import * as fc from 'fast-check';
import { chainHash, type ChainedEvent } from './hash-chain';

const event: ChainedEvent = {
  streamId: 'run:default:r1',
  version: 2,
  project: 'default',
  type: 'RunStarted',
  schema: 1,
  recordedAt: 1_700_000_000_000,
  data: '{"name":"é"}',
  metadata: '{}',
};

describe('the hash of an event', () => {
  it('is SHA-256 over its fields as netstrings, the previous hash first', () => {
    const text = '2:ab,14:run:default:r1,1:2,7:default,10:RunStarted,1:1,13:1700000000000,13:{"name":"é"},2:{},';

    expect(chainHash('ab', event)).toBe(createHash('sha256').update(text).digest('hex'));
  });

  it('is so for any text, of any length: unpaired surrogates are hashed as U+FFFD', () => {
    const netstrings = (texts: readonly string[]) =>
      texts.map((each) => `${Buffer.byteLength(each)}:${each},`).join('');
    const units = fc.array(fc.nat(0xffff)).map((codes) => String.fromCharCode(...codes));
    // Short ones of ASCII are written in another way.
    const text = fc.oneof(units, fc.string(), fc.string({ minLength: 60, maxLength: 70 }));
    // Of one to four bytes each; both sides of 64 KiB, where another buffer is used.
    const repeated = fc.tuple(fc.constantFrom('a', 'é', '€', '😀', '\ud800'), fc.integer({ min: 10_000, max: 70_000 }));
    const long = repeated.map(([unit, times]) => unit.repeat(times));
    fc.assert(
      fc.property(text, fc.oneof({ weight: 3, arbitrary: text }, long), text, (streamId, data, metadata) => {
        const { version, project, type, schema, recordedAt } = event;
        const fields = ['ab', streamId, `${version}`, project, type, `${schema}`, `${recordedAt}`, data, metadata];
        const expected = createHash('sha256').update(netstrings(fields), 'utf8').digest('hex');
        expect(chainHash('ab', { ...event, streamId, data, metadata })).toBe(expected);
      }),
    );
  });

  it('has no previous hash in the first event of a stream', () => {
    expect(chainHash(null, event)).toBe(chainHash('', event));
    expect(chainHash(null, event)).not.toBe(chainHash('ab', event));
  });

  it.each(Object.keys(event) as (keyof ChainedEvent)[])('changes with the %s', (field) => {
    const value = event[field];
    const changed = { ...event, [field]: typeof value === 'number' ? value + 1 : `${value} ` };

    expect(chainHash('ab', changed)).not.toBe(chainHash('ab', event));
  });

  it('does not let text move from one field to the next', () => {
    expect(chainHash(null, { ...event, data: 'ab', metadata: 'c' })).not.toBe(
      chainHash(null, { ...event, data: 'a', metadata: 'bc' }),
    );
  });
});
