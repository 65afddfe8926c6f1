import { spawn, type ChildProcess } from 'node:child_process';
import { watchResources } from './resource-watch';

describe('watching the resources of a process', () => {
  const processes: ChildProcess[] = [];
  const over = new AbortController();

  /** @param program of Node, with children if it likes */
  function started(program: string): number {
    const child = spawn(process.execPath, ['-e', program], { stdio: 'ignore', detached: true });
    processes.push(child);
    return child.pid ?? 0;
  }

  afterEach(() => {
    for (const { pid } of processes.splice(0)) if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  });

  it('finds the one that takes too much CPU time', async () => {
    const breach = await watchResources(started('for (;;);'), { memoryBytes: undefined, cpuMs: 150 }, over.signal);

    expect(breach).toMatchObject({ resource: 'cpu', allowedMs: 150 });
  });

  it('counts its children in', async () => {
    const program = `require('node:child_process').spawnSync(process.execPath, ['-e', 'for (;;);'])`;

    expect(await watchResources(started(program), { memoryBytes: undefined, cpuMs: 150 }, over.signal)).toMatchObject({
      resource: 'cpu',
    });
  });

  it('finds the one that holds too much memory', async () => {
    const pid = started('const held = Buffer.alloc(2e8, 1); setTimeout(() => held, 1e6)');
    const breach = await watchResources(pid, { memoryBytes: 150e6, cpuMs: undefined }, over.signal);

    expect(breach).toMatchObject({ resource: 'memory', allowed: 150e6 });
  });

  it('ends without a breach when it is told to', async () => {
    const abort = new AbortController();
    const watching = watchResources(
      started('setTimeout(() => 1, 1e6)'),
      { memoryBytes: 1e12, cpuMs: 1e9 },
      abort.signal,
    );

    abort.abort();

    expect(await watching).toBeUndefined();
  });
});
