import { isTooDeep, limits, tooDeep, type JsonValue } from '@ryax/contracts';
import { mapPaths } from './references';

const most = limits.valueDepth;

function nested(levels: number, innermost: JsonValue): JsonValue {
  let value = innermost;
  for (let level = 0; level < levels; level++) value = [value];
  return value;
}

describe('an output that holds paths', () => {
  const act = (path: string) => Promise.resolve(`stored ${path}`);

  it.each([
    ['a value', 1],
    ['an empty list', []],
  ])('is as deep as any value may be, with %s at its bottom', async (_, innermost) => {
    const [deep, deeper] = [nested(most, innermost), nested(most + 1, innermost)];

    expect([deep, deeper].map(isTooDeep)).toEqual([false, true]);
    expect(await mapPaths(deep, act)).toEqual(deep);
    await expect(mapPaths(deeper, act)).rejects.toThrow(tooDeep);
  });
});
