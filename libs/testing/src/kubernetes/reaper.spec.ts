import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { isProcessAlive, waitFor } from '../index';
import { ContainerProcess } from './container-process';
import { Reaper } from './reaper';

const plan = { command: ['sh', '-c', 'sleep 1000 & echo $!; wait'], env: {}, cwd: '/' };

describe('the reaper', () => {
  it('ends containers and what they have started when nobody writes to it any more', async () => {
    const reaper = new Reaper();
    const container = await ContainerProcess.start(plan, reaper);
    const child = await waitFor(() => Number(container.log.read()[0]?.text) || undefined);
    reaper.close();
    expect(await container.ended).toBe(137);
    await waitFor(() => !isProcessAlive(container.pid) && !isProcessAlive(child));
  });

  it('lets go of containers that have ended by themselves', async () => {
    const reaper = new Reaper();
    const first = await ContainerProcess.start({ ...plan, command: ['sh', '-c', 'exit 4'] }, reaper);
    const second = await ContainerProcess.start(plan, reaper);
    expect(await first.ended).toBe(4);
    reaper.close();
    expect(await second.ended).toBe(137);
  });

  it('does so when the process that has it is killed', async () => {
    // The same script with the same means as Reaper, from a process that can be killed.
    const owner = spawn(
      process.execPath,
      [
        '-e',
        `const { spawn } = require('node:child_process');
         const reaper = spawn('/bin/sh', ['-c', process.argv[1]], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
         const container = spawn('sleep', ['1000'], { detached: true, stdio: 'ignore' });
         reaper.stdin.write('+ ' + container.pid + '\\n', () => console.log(container.pid));`,
        Reaper.script,
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    const [line] = (await once(createInterface(owner.stdout), 'line')) as [string];
    expect(isProcessAlive(Number(line))).toBe(true);
    owner.kill('SIGKILL');
    await waitFor(() => !isProcessAlive(Number(line)));
  });
});
