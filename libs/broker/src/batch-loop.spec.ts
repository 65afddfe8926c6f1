import { Log } from '@ryax/platform';
import { BatchLoop } from './batch-loop';
import type { Carrier, CarrierHost } from './held';

describe('A message that can be neither read nor parked', () => {
  const wire = { contentType: '', headers: {}, content: Buffer.of() };
  const carrier: Carrier = {
    items: [{ type: 'malformed', reason: 'it is none of ours', wire }],
    redelivered: false,
    tries: 0,
    replyTo: undefined,
    correlationId: undefined,
  };
  const longestPauseMs = 5_000;

  beforeEach(() => {
    jest.useFakeTimers();
    jest.spyOn(Math, 'random').mockReturnValue(0.5);
  });
  afterEach(() => {
    jest.useRealTimers();
    jest.restoreAllMocks();
  });

  function loopOf() {
    const host = {
      park: () => Promise.reject(new Error('refused')),
      giveBack: jest.fn(),
      settle: jest.fn(),
    };
    const log = new Log({ service: 'test', write: () => undefined });
    const handler = () => Promise.resolve();
    const options = { prefetch: 10, maxBatch: 10 };
    return { host, loop: new BatchLoop('q', options, handler, host as unknown as CarrierHost<Carrier>, log) };
  }

  it('is given back after a pause, not round in circles', async () => {
    const { host, loop } = loopOf();
    loop.accept(carrier);
    await jest.advanceTimersByTimeAsync(0);
    expect(host.giveBack).not.toHaveBeenCalled();
    await jest.advanceTimersByTimeAsync(longestPauseMs);
    expect(host.giveBack).toHaveBeenCalledTimes(1);
    expect(host.settle).not.toHaveBeenCalled();
  });

  it('does not hold up the end of its subscription', async () => {
    const { loop } = loopOf();
    loop.accept(carrier);
    await jest.advanceTimersByTimeAsync(0);
    await loop.stop(60_000);
    expect(jest.getTimerCount()).toBe(0);
  });
});
