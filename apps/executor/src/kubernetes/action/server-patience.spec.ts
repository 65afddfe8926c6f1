import { ActionServerRefusal } from './action-server';
import { ServerPatience } from './server-patience';

const patience = { starting: 600, unreachable: 300 };
const broken = new Error('connect ECONNREFUSED 192.0.2.1:8080');
const wrong = new ActionServerRefusal(500, 'no space left on device');

describe('the patience with the server of a pod that runs', () => {
  let now = 0;
  const patienceWith = (wasReached = false) => {
    now = 0;
    return new ServerPatience(patience, { monotonicMs: () => now }, wasReached);
  };
  const failsAt = (of: ServerPatience, ms: number, error: Error) => {
    now = ms;
    return () => of.failed(error);
  };
  const lost = (message: RegExp) =>
    expect.objectContaining({ failure: { kind: 'lost', message: expect.stringMatching(message) as string } }) as Error;

  it('ends where it answers with nothing but errors, and says which', () => {
    const of = patienceWith();
    expect(failsAt(of, 1_000, wrong)).not.toThrow();
    expect(failsAt(of, 1_299, wrong)).not.toThrow();
    expect(failsAt(of, 1_300, wrong)).toThrow(lost(/with errors for 0 s, at last 500: no space left on device$/));
  });

  it('begins anew when it has answered well, or could not be asked', () => {
    const of = patienceWith(true);
    failsAt(of, 0, wrong)();
    of.answered();
    failsAt(of, 200, wrong)();
    failsAt(of, 400, broken)();
    expect(failsAt(of, 600, wrong)).not.toThrow();
    expect(failsAt(of, 899, wrong)).not.toThrow();
  });

  it('ends where it was never reached, with advice', () => {
    const of = patienceWith();
    expect(failsAt(of, 1_000, broken)).not.toThrow();
    expect(failsAt(of, 1_599, broken)).not.toThrow();
    expect(failsAt(of, 1_600, broken)).toThrow(lost(/ECONNREFUSED.*Check that the executor can reach pods/));
  });

  it.each([
    ['by this executor', (of: ServerPatience) => of.answered(), false],
    ['if only to answer with an error', (of: ServerPatience) => of.failed(wrong), false],
    ['perhaps by the executor before', () => undefined, true],
  ])('does not end where it was reached %s, and cannot be any more', (_, reach, wasReached) => {
    const of = patienceWith(wasReached);
    reach(of);
    expect(failsAt(of, 1e9, broken)).not.toThrow();
  });
});
