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

  it('begins anew when it has answered well', () => {
    const of = patienceWith(true);
    failsAt(of, 0, wrong)();
    of.answered();
    failsAt(of, 250, wrong)();
    expect(failsAt(of, 549, wrong)).not.toThrow();
    expect(failsAt(of, 550, wrong)).toThrow(lost(/at last 500/));
  });

  it('does not count while it cannot be asked, and goes on then where it was', () => {
    const of = patienceWith(true);
    failsAt(of, 0, wrong)();
    failsAt(of, 200, wrong)();
    failsAt(of, 210, broken)();
    failsAt(of, 9_000, broken)();
    expect(failsAt(of, 9_050, wrong)).not.toThrow();
    failsAt(of, 9_060, broken)();
    expect(failsAt(of, 9_110, wrong)).toThrow(lost(/at last 500/));
  });

  it('ends where it takes the attempt, and says no word, again and again', () => {
    const of = patienceWith();
    const breaksOffAt = (ms: number) => () => {
      of.took();
      failsAt(of, ms, new Error('socket hang up'))();
    };
    breaksOffAt(1_000)();
    expect(breaksOffAt(1_299)).not.toThrow();
    expect(breaksOffAt(1_300)).toThrow(lost(/with errors for 0 s, at last an answer without a word$/));
  });

  it('does not end where its answer breaks off after a word', () => {
    const of = patienceWith();
    for (let ms = 0; ms < 10_000; ms += 100) {
      of.took();
      of.answered();
      expect(failsAt(of, ms, new Error('socket hang up'))).not.toThrow();
    }
  });

  it('ends where it was never reached, with advice', () => {
    const of = patienceWith();
    expect(failsAt(of, 1_000, broken)).not.toThrow();
    expect(failsAt(of, 1_599, broken)).not.toThrow();
    expect(failsAt(of, 1_600, broken)).toThrow(lost(/ECONNREFUSED.*Check that the executor can reach pods/));
  });

  /** A try that has taken so long. */
  const triesFor = (of: ServerPatience, ms: number, move: (of: ServerPatience) => void) => {
    move(of);
    now += ms;
    move(of);
    return () => of.failed(broken);
  };

  it('does not count the time in which it takes what is brought, and counts on when it takes no more', () => {
    const of = patienceWith();
    failsAt(of, 0, broken)();
    for (let tries = 0; tries < 10; tries++) expect(triesFor(of, 500, ({ gotOn }) => gotOn())).not.toThrow();
    expect(failsAt(of, now + 599, broken)).not.toThrow();
    expect(failsAt(of, now + 1, broken)).toThrow(lost(/not reached for 1 s/));
  });

  it('ends where something takes a little each time, and no more', () => {
    const of = patienceWith();
    const takesLittle = () => {
      of.gotOn();
      failsAt(of, now + 100, broken)();
    };
    for (let tries = 0; tries < 6; tries++) takesLittle();
    expect(takesLittle).toThrow(lost(/ECONNREFUSED/));
  });

  it('begins anew when it has taken what was brought, which makes it none that has the attempt', () => {
    const of = patienceWith();
    failsAt(of, 0, broken)();
    now = 500;
    of.brought();
    expect(failsAt(of, 900, broken)).not.toThrow();
    expect(failsAt(of, 1_499, broken)).not.toThrow();
    expect(failsAt(of, 1_500, broken)).toThrow(lost(/ECONNREFUSED/));
  });

  it('does not take for errors the time in which it took what was brought', () => {
    const of = patienceWith();
    failsAt(of, 0, broken)();
    now = 10_000;
    of.brought();
    expect(failsAt(of, 10_000, wrong)).not.toThrow();
    expect(failsAt(of, 10_299, wrong)).not.toThrow();
    expect(failsAt(of, 10_300, wrong)).toThrow(lost(/answered with errors/));
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
