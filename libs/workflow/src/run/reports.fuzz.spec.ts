import type { JsonObject, Outcome } from '@ryax/contracts';
import { fuzzCases, fuzzTimeoutMs } from '@ryax/testing';
import * as fc from 'fast-check';
import { isOpen } from './state';
import { planOf, planShape } from './testing/arbitrary-plan';
import { Chaos, steps } from './testing/chaos';
import { RunDriver } from './testing/run-driver';

/** Of an attempt that there is, by its place among those that are out, or of anything. */
const subject = fc.oneof(
  fc.nat(20).map((place) => ({ place })),
  fc.record({
    execution: fc.oneof(
      fc.string(),
      fc.constantFrom('', '.', 'e0', 'e0.0', 'e0.-1', 'e0.1e9', '__proto__', 'constructor'),
    ),
    attempt: fc.oneof(fc.nat(5), fc.constantFrom(Number.MAX_SAFE_INTEGER, 0)),
  }),
);

/** Rarely what is larger than an event may be: it costs a hundred times as much. */
function rarely<T>(usual: fc.Arbitrary<T>, large: T): fc.Arbitrary<T> {
  return fc.oneof({ weight: 100, arbitrary: usual }, { weight: 1, arbitrary: fc.constant(large) });
}

const json = fc.oneof(
  rarely(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 4 }) as fc.Arbitrary<JsonObject>, {
    of: 'x'.repeat(300_000),
  }),
  fc.constant<JsonObject>({ of: { $value: `sha256:${'0'.repeat(64)}`, size: 7, path: ['no', 'such'] } }),
);

const outcome: fc.Arbitrary<Outcome> = fc.oneof(
  fc.record({ status: fc.constant('succeeded' as const), outputs: json }),
  fc.constant({ status: 'cancelled' as const }),
  fc.record({
    status: fc.constant('failed' as const),
    failure: fc.record({
      kind: fc.constantFrom(
        'user' as const,
        'crash',
        'timeout',
        'out-of-memory',
        'image',
        'rejected',
        'lost',
        'invalid',
      ),
      message: rarely(fc.string(), 'x'.repeat(300_000)),
    }),
  }),
);

const reports = fc.array(
  fc.record({
    subject,
    what: fc.oneof(
      fc.record({
        type: fc.constant('started' as const),
        executor: fc.string(),
        startedMsAgo: fc.double({ noNaN: true }),
      }),
      fc.record({
        type: fc.constant('ended' as const),
        executor: fc.string(),
        outcome,
        durationMs: fc.option(fc.double({ noNaN: true })),
      }),
      fc.record({ type: fc.constant('vanished' as const), reason: fc.string() }),
    ),
  }),
  { maxLength: 20 },
);

describe('reports of anything, in any order', () => {
  it(
    'change nothing that they do not concern, and every run ends',
    () => {
      fc.assert(
        fc.property(planShape, steps, reports, (shape, what, heard) => {
          const run = new RunDriver(planOf(shape)).start();
          const chaos = new Chaos(run);
          const saying = heard.values();
          for (const step of what) {
            chaos.apply(step);
            const next = saying.next();
            if (next.done === true) continue;
            const { subject: about, what: said } = next.value;
            const out = run.attempts();
            const named = 'place' in about ? out[about.place % Math.max(1, out.length)] : about;
            if (named === undefined) continue;
            const { execution, attempt } = named;
            const isOut = out.some((each) => each.execution === execution && each.attempt === attempt);
            const before = run.log.length;
            run.handle({ ...said, execution, attempt });
            if (!isOut) expect(run.log.slice(before)).toEqual([]);
          }
          chaos.drain();
          expect(isOpen(run.state)).toBe(false);
          expect(run.outstanding()).toEqual([]);
        }),
        { numRuns: fuzzCases(20) },
      );
    },
    fuzzTimeoutMs,
  );
});
