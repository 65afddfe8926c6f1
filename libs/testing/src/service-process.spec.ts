import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isProcessAlive, useServices } from './service-process';
import { waitFor } from './wait-for';

const server = `
const server = require('node:http').createServer((q, r) => r.end('ok')).listen(0, '127.0.0.1', () => console.log('port', server.address().port));
console.log(process.env.GREETING, process.title);
process.on('SIGTERM', () => process.exit(7));
if (process.argv[2] === 'outlived') {
  require('node:child_process').spawn('sh', ['-c', 'sleep 0.5; echo last words'], { stdio: 'inherit' });
  process.exit(1);
}
if (process.argv[2] === 'fail') throw new Error('no configuration');
`;

describe('useServices', () => {
  const services = useServices();
  const folder = mkdtempSync(join(tmpdir(), 'ryax-service-'));
  const entry = join(folder, 'server.js');
  beforeAll(() => writeFileSync(entry, server));
  afterAll(() => rmSync(folder, { recursive: true }));
  const start = () => services.start({ name: 'sample', entry, env: {} });

  it('ends a service in order and answers its status', async () => {
    const service = await start();
    await service.waitForOutput(/port \d+/);
    expect(await service.stop()).toBe(7);
    expect(service.isRunning()).toBe(false);
  });

  it('kills a service that is paused', async () => {
    const service = await start();
    await service.pause();
    expect(isProcessAlive(service.pid)).toBe(true);
    await service.kill();
    expect(isProcessAlive(service.pid)).toBe(false);
  });

  it('shows what a service wrote that ended instead of getting ready', async () => {
    const starting = services.start({
      name: 'broken',
      entry,
      args: ['fail'],
      env: {},
      readyUrl: 'http://127.0.0.1:9/readyz',
    });
    await expect(starting).rejects.toThrow(/Expected broken to run, found it ended with 1.*no configuration/s);
  });

  it('shows what came over its pipes after its end', async () => {
    const starting = services.start({
      name: 'broken',
      entry,
      args: ['outlived'],
      env: {},
      readyUrl: 'http://127.0.0.1:9/readyz',
    });
    await expect(starting).rejects.toThrow(/found it ended with 1.*last words/s);
  });

  it('starts Node with flags and under another program, tells what it writes, and when it has ended', async () => {
    const written: string[] = [];
    const service = await services.start({
      name: 'sample',
      entry,
      env: {},
      nodeFlags: ['--title=sample'],
      under: ['env', 'GREETING=hello'],
      onOutput: (chunk) => written.push(chunk.toString()),
    });
    await waitFor(() => written.join('').includes('hello sample'));

    await service.kill();
    expect(await service.ended).toBe('SIGKILL');

    expect(isProcessAlive(service.pid)).toBe(false);
  });

  it('says how to build a service that is not built', async () => {
    await expect(services.start({ name: 'no-such-service', env: {} })).rejects.toThrow('npm run build');
  });
});
