import { waitFor } from './wait-for';

describe('waitFor', () => {
  it('answers what the condition found', async () => {
    let asked = 0;
    const found = await waitFor(() => (++asked < 3 ? undefined : { asked }));
    expect(found).toEqual({ asked: 3 });
  });

  it('takes an error of the condition for not yet', async () => {
    let asked = 0;
    await waitFor(() => {
      if (++asked < 3) throw new Error('not there');
      return true;
    });
    expect(asked).toBe(3);
  });

  it('says what it waited for and what was last seen', async () => {
    const failing = waitFor(() => Promise.reject(new Error('connection refused')), {
      timeoutMs: 20,
      describe: 'the broker to answer',
    });
    await expect(failing).rejects.toThrow('Expected the broker to answer within 20 ms; last: connection refused');
  });

  it('does not wait for a condition that hangs', async () => {
    const failing = waitFor(() => new Promise<boolean>(() => undefined), { timeoutMs: 20 });
    await expect(failing).rejects.toThrow('no answer within');
  });

  it('takes 0 and the empty text for an answer', async () => {
    expect(await waitFor(() => 0)).toBe(0);
    expect(await waitFor(() => '')).toBe('');
  });
});
