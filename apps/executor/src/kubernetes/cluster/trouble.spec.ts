import { Trouble } from './trouble';

describe('the trouble with a kind of request', () => {
  let nowMs: number;
  let trouble: Trouble;
  beforeEach(() => {
    nowMs = 0;
    trouble = new Trouble({ monotonicMs: () => nowMs });
  });

  /** Fails now and at each of these times. */
  const failsAt = (isRejected: boolean, ...times: readonly number[]) => {
    for (const time of times) {
      nowMs = time;
      trouble.failed(isRejected ? 'Forbidden' : 'ECONNREFUSED', isRejected);
    }
  };

  it('is there when it was rejected for longer than a moment, until it is over', () => {
    failsAt(true, 0, 1_999);
    expect(trouble.reason).toBeUndefined();
    failsAt(true, 2_000);
    expect(trouble.reason).toBe('Forbidden');
    trouble.over();
    failsAt(true, 3_000);
    expect(trouble.reason).toBeUndefined();
  });

  it('is none where a server rejects once, and is away then for however long', () => {
    failsAt(true, 0);
    failsAt(false, 500, 60_000);
    expect(trouble.reason).toBeUndefined();
    failsAt(true, 61_000);
    expect(trouble.reason).toBeUndefined();
  });

  it('does not pass because the server is away, and says so', () => {
    failsAt(true, 0, 2_000);
    failsAt(false, 3_000);
    expect(trouble.reason).toBe('ECONNREFUSED');
  });
});
