import fc from 'fast-check';
import type { Failure } from '@ryax/contracts';
import { grownResources, shortAfter, type ShortMemory } from './memory-growth';

const mib = 2 ** 20;

function outOfMemory(had: unknown): Failure {
  return { kind: 'out-of-memory', message: 'killed', details: { memory_bytes: had as number } };
}

describe('what an execution asks for after it ran out of memory', () => {
  it('doubles with each attempt, up to four times what was too little first', () => {
    let short: ShortMemory | null = null;
    const asked: (number | undefined)[] = [];
    for (let attempt = 1; attempt <= 5; attempt++) {
      const { memory_bytes: memory } = grownResources({ cpu: 1, memory_bytes: 100 * mib }, short);
      asked.push((memory ?? 0) / mib);
      short = shortAfter(short, outOfMemory(memory));
    }
    expect(asked).toEqual([100, 200, 400, 400, 400]);
  });

  it('goes by what the attempt had where the action asks for nothing', () => {
    const short = shortAfter(null, outOfMemory(512 * mib));
    expect(grownResources({}, short)).toEqual({ memory_bytes: 1024 * mib });
  });

  it('grows by the factor and to the bound that the definition has', () => {
    const growth = { factor: 1.5, maxBytes: 1000 * mib };
    expect(grownResources({}, { first: 100 * mib, last: 600 * mib }, growth)).toEqual({ memory_bytes: 900 * mib });
    expect(grownResources({}, { first: 100 * mib, last: 900 * mib }, growth)).toEqual({ memory_bytes: 1000 * mib });
    expect(grownResources({}, { first: 100, last: 100 }, { factor: 1, maxBytes: null })).toEqual({ memory_bytes: 100 });
  });

  it('does not change with other failures, or with one that does not say how much there was', () => {
    const short = { first: 1, last: 2 };
    const crash: Failure = { kind: 'crash', message: 'no', details: { memory_bytes: 7 } };
    expect(shortAfter(short, crash)).toBe(short);
    for (const had of [undefined, 'much', 0, -1, NaN]) expect(shortAfter(short, outOfMemory(had))).toBe(short);
    expect(grownResources({ gpu: 1 }, null)).toEqual({ gpu: 1 });
  });

  it('is never less than an attempt had, nor than what is asked', () => {
    const bytes = fc.integer({ min: 1, max: 2 ** 40 });
    const growths = fc.record({ factor: fc.double({ min: 1, max: 10, noNaN: true }), maxBytes: fc.option(bytes) });
    fc.assert(
      fc.property(bytes, bytes, bytes, growths, (asked, first, last, growth) => {
        const grown = grownResources({ memory_bytes: asked }, { first, last }, growth).memory_bytes ?? 0;
        expect(grown).toBeGreaterThanOrEqual(Math.max(asked, last));
      }),
    );
  });
});
