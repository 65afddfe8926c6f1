import { requestHashOf, runIdOf, type RunKey } from './identity';

const parts = ['project', 'workflowId', 'source', 'key'] as const;
const plain: RunKey = { project: 'p', workflowId: 'w', source: 'api', key: 'k' };

describe('the id of a run', () => {
  it.each([
    ['project', 'workflowId'],
    ['workflowId', 'source'],
    ['source', 'key'],
  ] as const)('two keys never meet by where one part ends and the next begins: %s and %s', (one, next) => {
    expect(runIdOf({ ...plain, [one]: 'ab', [next]: 'c' })).not.toBe(runIdOf({ ...plain, [one]: 'a', [next]: 'bc' }));
    expect(runIdOf({ ...plain, [one]: '', [next]: 'abc' })).not.toBe(runIdOf({ ...plain, [one]: 'abc', [next]: '' }));
  });

  it.each([':', '/', '|', '\u0000'])('two keys never meet by a part that holds %j', (mark) => {
    const [one, other] = [`a${mark}b`, `b${mark}c`];
    expect(runIdOf({ ...plain, source: one, key: 'c' })).not.toBe(runIdOf({ ...plain, source: 'a', key: other }));
  });

  it.each(parts)('is another one for each %s', (part) => {
    expect(runIdOf({ ...plain, [part]: 'other' })).not.toBe(runIdOf(plain));
  });

  it('stays what it is: runs of earlier versions are met under it', () => {
    expect(runIdOf({ project: 'default', workflowId: 'hello', source: 'api', key: 'key-1' })).toBe(
      'ab01bd9c26062bb6650f7a8d7c58129a',
    );
    expect(runIdOf({ project: 'default', workflowId: 'hello', source: 'api', key: 'größe 日 🚀' })).toBe(
      '7d192fcd0f03e93a0057e3ed12e42cef',
    );
  });

  it('covers every byte of a part, whatever its alphabet', () => {
    // The second is what is left of the first where a character has one byte.
    expect(runIdOf({ ...plain, key: '日' })).not.toBe(runIdOf({ ...plain, key: 'å' }));
    expect(runIdOf({ ...plain, key: 'é' })).not.toBe(runIdOf({ ...plain, key: 'e\u0301' }));
  });
});

describe('the hash of a request', () => {
  const request = { route: 'runs', inputs: { a: 1, b: { c: [1, 2], d: null } }, labels: {} };

  it('does not depend on the order of keys, at any depth', () => {
    const reordered = { labels: {}, inputs: { b: { d: null, c: [1, 2] }, a: 1 }, route: 'runs' };
    expect(requestHashOf(reordered)).toBe(requestHashOf(request));
  });

  it('depends on the order of lists, on every value, and on what is absent', () => {
    const others = [
      { ...request, inputs: { a: 1, b: { c: [2, 1], d: null } } },
      { ...request, inputs: { a: '1', b: { c: [1, 2], d: null } } },
      { ...request, inputs: { a: 1, b: { c: [1, 2] } } },
      { ...request, route: 'executions' },
    ];
    expect(new Set([request, ...others].map(requestHashOf)).size).toBe(5);
  });

  it('stays what it is: a repeat may meet a run of an earlier version', () => {
    expect(requestHashOf({ b: 'é', a: 1 })).toBe('09ad9fd2fb648cb2f62141215828ea00a62c299db05d20aa9ade2f527a301cc6');
  });
});
