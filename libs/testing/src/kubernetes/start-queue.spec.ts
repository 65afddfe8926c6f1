import { setImmediate as turn } from 'node:timers/promises';
import { StartQueue } from './start-queue';

describe('a queue of starts', () => {
  const { signal } = new AbortController();

  it('starts one after the other and lets others have a turn in between', async () => {
    const queue = new StartQueue();
    const order: string[] = [];
    const start = (name: string) => async () => {
      order.push(`${name} begins`);
      await Promise.resolve();
      order.push(`${name} has begun`);
      setImmediate(() => order.push('a request'));
    };
    await Promise.all(['a', 'b'].map((name) => queue.run(start(name), signal)));
    expect(order).toEqual(['a begins', 'a has begun', 'a request', 'b begins', 'b has begun']);
    await turn();
  });

  it('goes on after a start that failed', async () => {
    const queue = new StartQueue();
    const failed = queue.run(() => Promise.reject(new Error('no such file')), signal);
    const next = queue.run(() => Promise.resolve('started'), signal);
    await expect(failed).rejects.toThrow('no such file');
    await expect(next).resolves.toBe('started');
  });

  it('does not start what was given up while it waited', async () => {
    const queue = new StartQueue();
    const giving = new AbortController();
    const start = jest.fn(() => Promise.resolve());
    const first = queue.run(() => Promise.resolve(), signal);
    const second = queue.run(start, giving.signal);
    giving.abort(new Error('deleted'));
    await first;
    await expect(second).rejects.toThrow('deleted');
    expect(start).not.toHaveBeenCalled();
  });
});
