import { wait } from './backoff';
import { Health } from './health';
import { Log } from './log';
import { Owner, runOwned } from './owner';

function given() {
  const lines: { level: string; message: string; task?: string }[] = [];
  const log = new Log({ service: 'test', write: (line) => lines.push(JSON.parse(line)) });
  const health = new Health();
  return { lines, log, health, owner: new Owner(log, health) };
}

describe('Owner', () => {
  it('logs the failure of a task by its name', async () => {
    const { owner, lines, health } = given();

    owner.run('refresh', () => Promise.reject(new Error('boom')));
    await owner.stop();

    expect(lines).toMatchObject([{ level: 'error', task: 'refresh', error: { message: 'boom' } }]);
    expect(health.deadParts()).toEqual([]);
  });

  it('declares the service dead when a vital task fails', async () => {
    const { owner, health } = given();
    owner.run(
      'tail',
      () => {
        throw new Error('cursor lost');
      },
      { vital: true },
    );
    await owner.stop();
    expect(health.deadParts()).toEqual([{ name: 'tail', reason: 'cursor lost' }]);
  });

  it('declares the service dead when a vital task ends without being told to', async () => {
    const { owner, health } = given();
    owner.run('consumer', () => Promise.resolve(), { vital: true });
    while (owner.unfinished.length > 0) await Promise.resolve();
    expect(health.deadParts()).toEqual([{ name: 'consumer', reason: 'ended by itself' }]);
  });

  it('aborts its tasks when it stops, waits for them, and takes that for no failure', async () => {
    const { owner, lines, health } = given();
    let cleanedUp = false;
    owner.run(
      'loop',
      async (signal) => {
        try {
          await wait(3_600_000, signal);
        } finally {
          await Promise.resolve();
          cleanedUp = true;
        }
      },
      { vital: true },
    );
    expect(owner.unfinished).toEqual(['loop']);

    await owner.stop();

    expect(cleanedUp).toBe(true);
    expect(owner.unfinished).toEqual([]);
    expect(lines).toEqual([]);
    expect(health.deadParts()).toEqual([]);
  });

  it('logs a failure of the clean-up even while it stops', async () => {
    const { owner, lines } = given();
    owner.run('loop', async (signal) => {
      await wait(3_600_000, signal).catch(() => undefined);
      throw new Error('could not close');
    });
    await owner.stop();
    expect(lines).toMatchObject([{ task: 'loop', error: { message: 'could not close' } }]);
  });

  it('starts nothing after it stopped', async () => {
    const { owner } = given();
    await owner.stop();
    const task = jest.fn();
    owner.run('late', task);
    expect(task).not.toHaveBeenCalled();
  });
});

describe('runOwned', () => {
  it('gives a single task an owner of its failure', async () => {
    const { log, lines } = given();
    runOwned(log, 'greeting', () => Promise.reject(new Error('nobody there')));
    while (lines.length === 0) await Promise.resolve();
    expect(lines).toMatchObject([{ task: 'greeting' }]);
  });
});
