import { once } from 'node:events';
import { readFile, readdir } from 'node:fs/promises';
import { waitFor } from '@ryax/testing';
import { ActionServer, describeBothServers, spawnServer, type ServedAction } from './testing/action-server';

describeBothServers('the life of an action’s server', (runtime) => {
  const servers: ActionServer[] = [];
  const start = async (served: ServedAction = {}) => {
    const server = await ActionServer.start(runtime, served);
    servers.push(server);
    return server;
  };
  afterEach(async () => {
    await Promise.all(servers.splice(0).map((server) => server.close()));
  });

  describe('that is being loaded', () => {
    it('is not ready before the handler is loaded, and holds what it is asked until then', async () => {
      const gate = `/tmp/ryax-loaded-${process.pid}-${runtime}`;
      const server = await start({ env: { LOADED_BY: gate } });
      expect(await server.readiness()).toMatchObject({ status: 503, body: { status: 'loading' } });

      const answer = await server.invoke(server.nextAttempt(), []);
      await server.release(gate);

      expect(await answer.result()).toMatchObject({ outputs: { calls: 1 } });
      expect(await server.readiness()).toEqual({ status: 200, body: { status: 'ready' } });
      await server.shell(`rm ${gate}`);
    });

    it('can be cancelled', async () => {
      const server = await start({ env: { LOADED_BY: '/never' } });
      const attempt = server.nextAttempt();
      const answer = await server.invoke(attempt, []);

      await server.post('/cancel', { attempt });

      expect(await answer.result()).toMatchObject({ failure: { details: { cancelled: true } } });
    });
  });

  // What Python keeps has no such bound that could be set.
  if (runtime === 'nodejs') {
    it('keeps nothing in memory of the attempts before the last one', async () => {
      const server = await start({ env: { NODE_OPTIONS: '--max-old-space-size=24' } });
      const large = 'x'.repeat(1024 * 1024);
      for (let attempt = 1; attempt <= 30; attempt++) {
        expect(await server.run([['return', { large }]])).toMatchObject({ outputs: { calls: attempt } });
      }
    }, 60_000);
  }

  it('shows what is written while the handler is loaded in the log of the first attempt', async () => {
    const loud = {
      python3: 'print("loading")\ndef handle(inputs): pass',
      nodejs: 'console.log("loading"); module.exports = () => {}',
    };
    const server = await start({ code: loud[runtime] });

    expect((await server.run([])).log).toBe('loading\n');
    expect((await server.run([])).log).toBe('');
  });

  it('says why the handler cannot be loaded, with the trace, and so does each attempt', async () => {
    const broken = { python3: 'raise ValueError("no licence")', nodejs: 'throw new TypeError("no licence")' };
    const server = await start({ code: broken[runtime] });
    await server.becomes('failed');

    const error = expect.stringMatching(/Error: no licence$/);
    expect(await server.readiness()).toEqual({
      status: 503,
      body: { status: 'failed', kind: 'crash', error, traceback: expect.stringContaining('ryax_handler') },
    });
    for (let attempt = 0; attempt < 2; attempt++) {
      const { failure, log } = await server.run([]);
      expect(failure).toEqual({ kind: 'crash', message: error });
      expect(log).toContain('ryax_handler');
    }
  });

  it('says that the process has ended while the handler was loaded', async () => {
    const ending = { python3: 'import os; os._exit(7)', nodejs: 'process.exit(7)' };
    const server = await start({ code: ending[runtime] });
    await server.becomes('failed');

    const error = "The handler's process exited with status 7 while it was loaded";
    expect((await server.readiness()).body).toMatchObject({ error, code: 7 });
    expect(await server.run([])).toMatchObject({ failure: { kind: 'crash', message: error, code: 7 } });
  });

  it('is not ready without an action', async () => {
    const server = await start({ env: { RYAX_ACTION_DIR: '/nowhere' } });

    await server.becomes('failed');
    expect((await server.readiness()).body['error']).toContain('/nowhere');
  });

  it('beats while there is nothing to tell', async () => {
    const server = await start({ env: { RYAX_BEAT_SECONDS: '0.05' } });
    const gate = server.path('beats');
    const answer = await server.invoke(server.nextAttempt(), [['wait', gate]]);

    await waitFor(() => answer.lines.filter(({ beat }) => beat === true).length > 2, { describe: 'three beats' });
    await server.release(gate);

    expect(await answer.result()).toHaveProperty('outputs');
  });

  it('kills a handler that takes no notice of being cancelled', async () => {
    const server = await start({ env: { RYAX_GRACE_SECONDS: '0.1' } });
    const attempt = server.nextAttempt();
    const answer = await server.invoke(attempt, [['stubborn'], ['print', 'begun'], ['wait', '/never']]);
    await answer.shows('begun');

    await server.post('/cancel', { attempt });

    expect(await answer.result()).toMatchObject({ failure: { details: { cancelled: true } } });
  });

  it('bounds the log, and says in its last line what is missing', async () => {
    const server = await start({ env: { RYAX_MAX_LOG_BYTES: '5' } });

    const { log } = await server.run([
      ['print', '123é5'],
      ['print', 'x'],
    ]);

    const missing = '[ryax] 4 more bytes of output were dropped: a log may have 5 bytes (RYAX_MAX_LOG_BYTES)';
    expect(log).toBe(`123é\n${missing}\n`);
  });

  it('empties the action’s folder for temporary files between two attempts, and not before the first', async () => {
    const server = await start();
    const folder = server.path('tmp');
    await server.stop();
    await server.shell(`mkdir -p ${folder}/of-the-image`);
    const own = await start({ env: { RYAX_TMP_DIR: folder } });

    const list = ['shell', `ls ${folder}`] as const;
    expect((await own.run([['shell', `mkdir ${folder}/mine`], list])).log).toBe('mine\nof-the-image\n');
    expect(await readdir(folder)).toHaveLength(2);
    expect((await own.run([list])).log).toBe('');
  });

  it('keeps no output of a process that an attempt has left behind for the next one', async () => {
    const server = await start();
    await server.run([['shell', 'while true; do echo noise; sleep 0.01; done &']]);

    const { log, outputs } = await server.run([['print', 'call']]);

    expect(outputs).toMatchObject({ calls: 2 });
    expect(log).toContain('call\n');
    await server.run([['exit', 0]]); // ends the group, and the noise with it
  });

  describe('that is told to stop', () => {
    it('ends with status 0 and takes the running handler along; the attempt gets no result', async () => {
      const server = await start();
      const pidFile = server.path('pid');
      const answer = await server.invoke(server.nextAttempt(), [
        ['shell', `echo $PPID > ${pidFile}`],
        ['print', 'begun'],
        ['wait', '/never'],
      ]);
      await answer.shows('begun');

      expect(await server.stop()).toBe(0);

      await expect(answer.result()).rejects.toThrow();
      expect(answer.lines.filter(({ outputs, failure }) => outputs ?? failure)).toEqual([]);
      const pid = Number(await readFile(pidFile, 'utf8'));
      expect(() => process.kill(pid, 0)).toThrow('ESRCH');
    });

    it('ends with status 0 though the handler takes no notice', async () => {
      const server = await start();
      const answer = await server.invoke(server.nextAttempt(), [['stubborn'], ['print', 'begun'], ['wait', '/never']]);
      await answer.shows('begun');

      expect(await server.stop()).toBe(0);
      await expect(answer.result()).rejects.toThrow();
    });
  });

  it('does not start without a token, which it says', async () => {
    const child = spawnServer(runtime, '/tmp', {});
    let said = '';
    child.stderr?.on('data', (bytes) => (said += String(bytes)));

    const [status] = await once(child, 'close');

    expect(status).toBe(1);
    expect(said).toContain('RYAX_TOKEN');
  });
});
