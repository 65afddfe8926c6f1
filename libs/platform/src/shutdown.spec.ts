import { EventEmitter } from 'node:events';
import { Log } from './log';
import { Shutdown } from './shutdown';

function given(deadlineMs?: number) {
  const lines: { level: string; step?: string }[] = [];
  const log = new Log({ service: 'test', write: (line) => lines.push(JSON.parse(line)) });
  const shutdown = new Shutdown(log, deadlineMs === undefined ? {} : { deadlineMs });
  const order: string[] = [];
  const step = (name: string) => () => void order.push(name);
  return { lines, shutdown, order, step };
}

describe('Shutdown', () => {
  it('stops taking, finishes, closes; within a phase the latest first', async () => {
    const { shutdown, order, step } = given();
    shutdown.add('close', 'database', step('database'));
    shutdown.add('close', 'broker', step('broker'));
    shutdown.add('stop-taking', 'consumer', step('consumer'));
    shutdown.add('finish', 'batch', step('batch'));

    await expect(shutdown.run('test')).resolves.toBe(true);

    expect(order).toEqual(['consumer', 'batch', 'broker', 'database']);
  });

  it('goes on after a step that failed, and says that it did not end well', async () => {
    const { shutdown, order, step, lines } = given();
    shutdown.add('close', 'database', step('database'));
    shutdown.add('finish', 'batch', () => Promise.reject(new Error('lost')));

    await expect(shutdown.run('test')).resolves.toBe(false);

    expect(order).toEqual(['database']);
    expect(lines).toContainEqual(expect.objectContaining({ level: 'error', step: 'batch' }));
  });

  it('gives up at its deadline, names the step that hangs, and starts no further one', async () => {
    const { shutdown, order, step, lines } = given(5);
    let release: () => void = () => undefined;
    shutdown.add('stop-taking', 'stuck', () => new Promise<void>((resolve) => (release = resolve)));
    shutdown.add('close', 'database', step('database'));

    await expect(shutdown.run('test')).resolves.toBe(false);
    release();
    await new Promise(setImmediate);

    expect(lines).toContainEqual(expect.objectContaining({ level: 'error', step: 'stuck', deadline_ms: 5 }));
    expect(order).toEqual([]);
  });

  it('runs its steps once, however often it is asked', async () => {
    const { shutdown, order, step } = given();
    shutdown.add('close', 'database', step('database'));
    await Promise.all([shutdown.run('first'), shutdown.run('second')]);
    expect(order).toEqual(['database']);
  });

  it('exits after the signal with 0, and at once on the second signal', async () => {
    const { shutdown } = given();
    let release: () => void = () => undefined;
    shutdown.add('finish', 'batch', () => new Promise<void>((resolve) => (release = resolve)));
    const exits: number[] = [];
    const exited = new EventEmitter();
    const target = Object.assign(new EventEmitter(), {
      exit: (code: number) => {
        exits.push(code);
        exited.emit('exit');
      },
    });
    shutdown.listen(target as unknown as NodeJS.Process);

    target.emit('SIGTERM', 'SIGTERM');
    target.emit('SIGINT', 'SIGINT');
    expect(exits).toEqual([130]);

    const clean = new Promise((resolve) => exited.once('exit', resolve));
    release();
    await clean;
    expect(exits).toEqual([130, 0]);
  });
});
