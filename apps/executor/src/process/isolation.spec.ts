import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { join } from 'node:path';
import { Log } from '@ryax/platform';
import { waitFor } from '@ryax/testing';
import { findIsolation, hiddenByTmp, isolate, isolationCandidates, type Isolation } from './isolation';
import { isAlive, processIdentity } from './process-identity';
import { Scratch } from './scratch';
import { describeWithPrivateTmp, isAllowed, LauncherFixture, script } from './testing/launcher-fixture';

const shared: Isolation = { level: 'shared', prefix: [] };

/** Writes to a name that is fixed, as many handlers do, and looks whether it is still its own. */
const fixedName = (name: string) =>
  script(`ls /tmp | grep -c ${name}; echo "$x" > /tmp/${name}; sleep 0.1; cat /tmp/${name}`);

describe('what this system allows', () => {
  it('is found out, and one of the known ways', async () => {
    const fixture = await LauncherFixture.open();
    const found = await findIsolation(fixture.directory);

    expect([...isolationCandidates, shared].map(({ level }) => level)).toContain(found.level);
    expect(fixture.launcher.isolation).toBe(found.level);
    await fixture.close();
  });

  it('is said in the log', async () => {
    const lines: string[] = [];
    const log = new Log({ service: 'test', write: (line) => lines.push(line) });
    const fixture = await LauncherFixture.open({ log, isolation: shared });

    expect(lines.join('\n')).toContain('only one runs at a time');
    await fixture.close();
  });
});

/** Every way that works here is tested; the others say so by name. */
describe.each(isolationCandidates.filter(({ level }) => level !== 'shared'))('isolation by $prefix', (isolation) => {
  const describeHere = isAllowed(isolation) ? describe : describe.skip;

  describeHere(isAllowed(isolation) ? 'works here, and' : '(skipped: not allowed here)', () => {
    let fixture: LauncherFixture;

    beforeAll(async () => {
      fixture = await LauncherFixture.open({ isolation });
    });
    afterAll(() => fixture.close());

    it('gives each execution a /tmp of its own', async () => {
      const runs = await Promise.all(['one', 'two', 'three'].map((x) => fixture.run(fixedName('out.txt'), { x })));

      expect(runs.map(({ log }) => log.lines)).toEqual([
        ['0', 'one'],
        ['0', 'two'],
        ['0', 'three'],
      ]);
      expect(existsSync('/tmp/out.txt')).toBe(false);
    });

    it('keeps what is needed under /tmp visible: inputs, code, the way out', async () => {
      const { hash, size } = await fixture.files.put('quakes');
      const data = { $file: hash, name: 'quakes.csv', size, kind: 'file' };

      expect(
        await fixture.outputsOf(
          script('echo "{\\"found\\": \\"$(cat $data)\\"}" > $RYAX_OUTPUTS', { found: 'string' }),
          {
            data,
          },
        ),
      ).toEqual({
        found: 'quakes',
      });
    });

    it('ends what a command leaves running, and with a process namespace also what has left its group', async () => {
      const leaves = isolation.level === 'private' ? 'sleep 88001 & setsid sleep 88002 & echo' : 'sleep 88001 & echo';

      expect((await fixture.run(script(leaves))).outcome.status).toBe('succeeded');

      await waitFor(async () => !(await commandLines()).some((line) => /sleep 8800[12]/.test(line)), {
        describe: 'no sleeper',
      });
    });
  });
});

describeWithPrivateTmp('a warm worker', () => {
  it('has a /tmp that is empty again for every call', async () => {
    const fixture = await LauncherFixture.open();
    // What the engine itself needs and lies under /tmp stays visible there: its data, and perhaps its own installation.
    const needed = [fixture.directory, process.cwd(), process.execPath].filter((path) => path.startsWith('/tmp/'));
    const hash = await fixture.action({
      type: 'nodejs',
      code: `
        const fs = require('node:fs');
        const visible = ${JSON.stringify(needed.map((path) => path.split('/')[2]))};
        module.exports = () => {
          const found = fs.readdirSync('/tmp').filter((name) => !visible.includes(name));
          fs.mkdirSync('/tmp/results/deep', { recursive: true });
          fs.writeFileSync('/tmp/results/deep/x', 'x');
          fs.chmodSync('/tmp/results', 0);
          return { found };
        }`,
      outputs: { found: 'json' },
    });

    for (let call = 0; call < 3; call++) expect(await fixture.outputsOf(hash)).toEqual({ found: [] });
    await fixture.close();
  });
});

describe('without isolation', () => {
  let fixture: LauncherFixture;

  beforeAll(async () => {
    fixture = await LauncherFixture.open({ isolation: shared });
  });
  afterAll(() => fixture.close());

  it('executions take turns, so that none finds the files of another under its hands', async () => {
    const name = `ryax-spec-${process.pid}.txt`;
    const runs = await Promise.all(['one', 'two', 'three'].map((x) => fixture.run(fixedName(name), { x })));

    expect(runs.map(({ log }) => log.lines[1])).toEqual(['one', 'two', 'three']);
    await rm(join('/tmp', name));
  });

  it('handlers still run, and their groups are ended', async () => {
    const hash = await fixture.action({
      type: 'nodejs',
      code: "module.exports = () => { require('node:child_process').spawn('sleep', ['83602'], { stdio: 'inherit' }).unref(); process.exit(1) }",
    });

    expect(await fixture.failureOf(hash)).toMatchObject({ kind: 'crash' });
    await waitFor(async () => !(await commandLines()).some((line) => line.includes('sleep 83602')), {
      describe: 'no sleeper',
    });
  });
});

describe('processes die with their executor', () => {
  it('no handler goes on beside its successor: the kernel ends it with its executor', async () => {
    const fixture = await LauncherFixture.open();
    const isolation = await findIsolation(fixture.directory);
    const tmp = join(fixture.directory, 'private');
    await mkdir(tmp);
    const place = { workingDirectory: '/', tmp, visible: [] };
    const command = isolate(isolation, place, ['sh', '-c', 'echo started; setsid sleep 83603 & exec sleep 83603']);
    // Stands for an executor: it starts the command as the launcher does, and is killed.
    const executor = spawn(
      process.execPath,
      [
        '-e',
        `const [file, ...args] = ${JSON.stringify(command)}; require('node:child_process').spawn(file, args, { detached: true, stdio: 'inherit' })`,
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    await once(executor.stdout, 'data');

    executor.kill('SIGKILL');

    await waitFor(async () => !(await commandLines()).some((line) => line.includes('sleep 83603')), {
      describe: 'no sleeper',
    });
    await fixture.close();
  });

  it('no handler goes on beside its successor, whose first act is to end what a dead one has written down', async () => {
    const fixture = await LauncherFixture.open();
    const directory = join(fixture.directory, 'sweep');
    const leftover = spawn('sleep', ['83604'], { detached: true, stdio: 'ignore' });
    const identity = processIdentity(leftover.pid ?? 0) ?? '';
    const dead = join(directory, '999999-1', 'one');
    await mkdir(join(dead, 'processes'), { recursive: true });
    await writeFile(join(dead, 'processes', identity), '');
    const exited = once(leftover, 'exit');

    const scratch = await Scratch.open(directory);

    expect((await exited)[1]).toBe('SIGKILL');
    expect((await readdir(directory)).filter((name) => name.startsWith('999999'))).toEqual([]);
    expect(existsSync(scratch.rooms)).toBe(true);
    await fixture.close();
  });

  it('and nobody else does: a process that got the number of a dead one is left alone', async () => {
    const fixture = await LauncherFixture.open();
    const directory = join(fixture.directory, 'sweep');
    const stranger = spawn('sleep', ['83605'], { detached: true, stdio: 'ignore' });
    const dead = join(directory, '999999-1', 'one');
    await mkdir(join(dead, 'processes'), { recursive: true });
    await writeFile(join(dead, 'processes', `${stranger.pid ?? 0}-1`), '');

    await Scratch.open(directory);

    expect(isAlive(processIdentity(stranger.pid ?? 0) ?? '')).toBe(true);
    stranger.kill();
    await fixture.close();
  });
});

describe('paths that a private /tmp would hide', () => {
  it('are those below it, without those that another one brings along', () => {
    expect(hiddenByTmp(['/opt/node', '/tmp', '/tmp/work', '/tmp/work/data', '/tmp/worker', '/tmpfs'])).toEqual([
      '/tmp/work',
      '/tmp/worker',
    ]);
  });
});

async function commandLines(): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const lines = pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => ''));
  return (await Promise.all(lines)).map((line) => line.replaceAll('\0', ' '));
}
