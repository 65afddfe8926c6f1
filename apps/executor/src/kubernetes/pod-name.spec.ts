import fc from 'fast-check';
import { podName, type PodIdentity } from './pod-name';

const fit: PodIdentity = { project: 'default', runId: 'r1', execution: 'fit.7', attempt: 1 };
const dnsLabel = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

const id = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 80 }),
  // Ids that differ in what a label cannot show: case, dots, dashes, length.
  fc.string({ unit: fc.constantFrom('a', 'A', '.', '-', '_', '1', '"', ','), maxLength: 100 }),
);
const identity: fc.Arbitrary<PodIdentity> = fc.record({
  project: id,
  runId: id,
  execution: id,
  attempt: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
});

describe('the name of a pod', () => {
  it.each([
    [fit, 'ryax-fit-7-1-'],
    [{ ...fit, execution: 'clean.7.2', attempt: 12 }, 'ryax-clean-7-2-12-'],
    [{ ...fit, execution: '_' }, 'ryax-1-'],
    [
      { ...fit, execution: `an_execution_of_a_very_long_name_that_does_not_fit.12345` },
      'ryax-an-execution-of-a-very-1-',
    ],
  ])('of %o shows execution and attempt', (each, readable) => {
    expect(podName(each).slice(0, -32)).toBe(readable);
  });

  it.each([
    [fit, 'ryax-fit-7-1-e10f757939ef02ed2c65b8bfcaa19f46'],
    [{ ...fit, attempt: 2 }, 'ryax-fit-7-2-8936ca23634a19fb03e6f20258168398'],
    [
      { project: 'team-a', runId: '9f'.repeat(32), execution: 'clean.7.2', attempt: 1 },
      'ryax-clean-7-2-1-693b854e9464b875c71f86ea5f502f38',
    ],
    [
      { project: 'Équipe', runId: 'R.1', execution: 'Fit', attempt: 1000 },
      'ryax-fit-1000-4ff2833192fa281c1f713bfbe802f10d',
    ],
  ])('of %o is what it has always been', (each, name) => {
    expect(podName(each)).toBe(name);
  });

  it('is a DNS label, whatever the ids are made of', () => {
    fc.assert(fc.property(identity, (each) => expect(podName(each)).toMatch(dnsLabel)));
  });

  it('is another one for every other attempt: ids that differ in case, dots or length never meet', () => {
    fc.assert(
      fc.property(fc.uniqueArray(identity, { minLength: 2, selector: (each) => JSON.stringify(each) }), (all) => {
        expect(new Set(all.map(podName)).size).toBe(all.length);
      }),
    );
    const near = ['fit.7', 'fit-7', 'Fit.7', 'fit_7', 'fit.7.', '.fit.7'].map((execution) => ({ ...fit, execution }));
    expect(new Set(near.map(podName)).size).toBe(near.length);
  });

  it.each([
    ['project', { project: 'a' }, { project: 'b' }],
    ['run', { runId: 'a' }, { runId: 'A' }],
    ['attempt', { attempt: 1 }, { attempt: 11 }],
  ])('differs in its digest where only the %s does', (_what, one, other) => {
    expect(podName({ ...fit, ...one }).slice(-32)).not.toBe(podName({ ...fit, ...other }).slice(-32));
  });

  it('does not depend on where one id ends and the next begins', () => {
    const shifted = [
      { ...fit, project: 'a', runId: 'bc' },
      { ...fit, project: 'ab', runId: 'c' },
      { ...fit, project: 'a","b', runId: 'c' },
      { ...fit, project: 'a', runId: 'b","c' },
    ];
    expect(new Set(shifted.map(podName)).size).toBe(shifted.length);
  });
});
