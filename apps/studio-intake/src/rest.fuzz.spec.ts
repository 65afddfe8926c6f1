import { fuzzCases, fuzzTimeoutMs } from '@ryax/testing';
import fc from 'fast-check';
import { startIntakeApp, type IntakeApp } from './testing/intake-app';

const routes = [
  'workflows',
  'workflows/validate',
  'workflows/w/runs',
  'workflows/w/runs/batch',
  'executions',
  'runs/r/cancel',
  'dead-letters/d/replay',
  'actions',
  'files?name=x&kind=file',
] as const;

const action = fc.record(
  {
    id: fc.oneof(fc.string(), fc.constant('a')),
    action: fc.constantFrom('core/noop', 'core/sleep', 'x@1', 7),
    inputs: fc.jsonValue(),
  },
  { requiredKeys: [] },
);
const definition = fc.record({
  apiVersion: fc.constantFrom('ryax.tech/v2.0', 'v1'),
  kind: fc.constant('Workflow'),
  spec: fc.record({ id: fc.oneof(fc.constant('w'), fc.string()), actions: fc.array(fc.oneof(action, fc.jsonValue())) }),
});
const payload = fc.oneof(
  fc.jsonValue(),
  definition,
  fc.record({ definition, inputs: fc.jsonValue(), labels: fc.jsonValue() }, { requiredKeys: [] }),
  fc.record({ runs: fc.array(fc.oneof(fc.record({ inputs: fc.jsonValue() }, { requiredKeys: [] }), fc.jsonValue())) }),
  fc.record({ inputs: fc.dictionary(fc.string(), fc.jsonValue()), labels: fc.dictionary(fc.string(), fc.string()) }),
);
const text = fc.oneof(
  payload.map((value) => JSON.stringify(value)),
  payload.map((value) => JSON.stringify(value).slice(1)),
  fc.string({ unit: 'binary' }),
  fc.constantFrom(
    '{"a": &x [*x]}',
    '&a [*a, *a]',
    '- - - -',
    '? '.repeat(400),
    '%YAML 9',
    '!!js/function f',
    '{"__proto__": {"x": 1}}',
    '"'.repeat(999),
  ),
  fc.integer({ min: 1, max: 3_000 }).map((depth) => '['.repeat(depth) + ']'.repeat(depth)),
);
const requests = fc.record({
  method: fc.constantFrom('POST', 'POST', 'POST', 'GET', 'DELETE', 'PUT'),
  route: fc.oneof(
    fc.constantFrom(...routes),
    fc.string().map((name) => `runs/${encodeURIComponent(name.toWellFormed())}`),
  ),
  type: fc.constantFrom('application/json', 'application/json', 'application/yaml', 'application/gzip', 'text/plain'),
  text,
  key: fc.option(
    fc.string({ minLength: 0, maxLength: 300 }).map((key) => key.replace(/[^\x20-\x7e]/g, '?')),
    { nil: undefined },
  ),
});

describe('any request', () => {
  let intake: IntakeApp;
  beforeAll(async () => {
    intake = await startIntakeApp();
  });
  afterAll(() => intake.stop());

  it(
    'is carried out, or refused with what is wrong with it; never fails for a reason of ours',
    async () => {
      await fc.assert(
        fc.asyncProperty(requests, async ({ method, route, type, text: body, key }) => {
          const { app, complaints } = intake;
          complaints.length = 0;
          const response = await app.inject({
            method: method as 'POST',
            url: `/v1/${route}`,
            headers: { 'content-type': type, ...(key === undefined ? {} : { 'idempotency-key': key }) },
            payload: method === 'GET' ? undefined : body,
          } as Parameters<typeof app.inject>[0]);
          expect({ status: response.statusCode, complaints }).toEqual({ status: expect.any(Number), complaints: [] });
          expect(response.statusCode).toBeLessThan(500);
          if (response.statusCode < 400) return;
          const refusal = response.json<{ error: string; details: { path: string; reason: string }[] }>();
          expect(refusal.error).not.toBe('');
          for (const { path, reason } of refusal.details)
            expect([typeof path, typeof reason]).toEqual(['string', 'string']);
        }),
        { numRuns: fuzzCases(20) },
      );
    },
    fuzzTimeoutMs,
  );
});
