import { backoffMs, retryUntilDone, wait } from './backoff';

const backoff = { initialMs: 100, maxMs: 1_000 };

describe('backoffMs', () => {
  it('draws from nothing up to a bound that doubles until its limit', () => {
    const almostOne = () => 1;
    expect([0, 1, 2, 3, 4, 50, 5_000].map((attempt) => backoffMs(attempt, backoff, almostOne))).toEqual([
      100, 200, 400, 800, 1_000, 1_000, 1_000,
    ]);
    expect(backoffMs(3, backoff, () => 0)).toBe(0);
  });
});

describe('wait', () => {
  it('ends with the reason of the abort', async () => {
    const abort = new AbortController();
    const reason = new Error('stopping');
    const waiting = wait(60_000, abort.signal);
    abort.abort(reason);
    await expect(waiting).rejects.toBe(reason);
  });

  it('does not begin when it is already aborted', async () => {
    const reason = new Error('stopped');
    await expect(wait(60_000, AbortSignal.abort(reason))).rejects.toBe(reason);
  });
});

describe('retryUntilDone', () => {
  const immediate = { initialMs: 0, maxMs: 0 };

  it('repeats until the action succeeds, and tells of every failure', async () => {
    const failures: unknown[] = [];
    let calls = 0;
    const connect = async () => {
      calls++;
      if (calls < 3) throw new Error(`failure ${calls}`);
      return Promise.resolve('connected');
    };

    const { signal } = new AbortController();
    const result = await retryUntilDone(connect, {
      backoff: immediate,
      signal,
      onFailure: (error, attempt) => failures.push([attempt, (error as Error).message]),
    });

    expect(result).toBe('connected');
    expect(failures).toEqual([
      [0, 'failure 1'],
      [1, 'failure 2'],
    ]);
  });

  it('gives up when it is told to stop, also in the middle of a wait', async () => {
    const abort = new AbortController();
    const reason = new Error('stopping');
    const failing = retryUntilDone(() => Promise.reject(new Error('down')), {
      backoff: { initialMs: 3_600_000, maxMs: 3_600_000 },
      signal: abort.signal,
      onFailure: () => queueMicrotask(() => abort.abort(reason)),
    });
    await expect(failing).rejects.toBe(reason);
  });

  it('lets onFailure decide that no repetition can help', async () => {
    const fatal = new Error('wrong password');
    const { signal } = new AbortController();
    const attempt = retryUntilDone(() => Promise.reject(fatal), {
      signal,
      onFailure: (error) => {
        throw error;
      },
    });
    await expect(attempt).rejects.toBe(fatal);
  });
});
