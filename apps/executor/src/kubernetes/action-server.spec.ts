import { readFile } from 'node:fs/promises';
import { waitFor } from '@ryax/testing';
import { ActionServer, describeBothServers } from './testing/action-server';

describeBothServers('the server of an action', (runtime) => {
  let server: ActionServer;
  beforeAll(async () => {
    // An answer that only a beat would bring forth never comes.
    server = await ActionServer.start(runtime, { env: { RYAX_BEAT_SECONDS: '3600' } });
    await server.becomes('ready');
  });
  afterAll(() => server.close());

  it('answers an attempt with the handler’s outputs, its working directory and how long it took', async () => {
    const result = await server.run([['return', { y: 1.5, text: 'é', none: null }]]);

    expect(result).toMatchObject({
      outputs: { y: 1.5, text: 'é', none: null },
      cwd: server.path('action'),
      duration_ms: expect.any(Number),
    });
  });

  it('keeps the handler loaded between attempts, and tells each who it is', async () => {
    const tell = ['shell', 'echo $RYAX_RUN_ID/$RYAX_EXECUTION/$RYAX_ATTEMPT'] as const;
    const attempts = [server.nextAttempt(), server.nextAttempt()] as const;

    const first = await server.run([tell], attempts[0]);
    const second = await server.run([tell], attempts[1]);

    expect(second.outputs).toEqual({ calls: Number(first.outputs?.['calls']) + 1, pid: first.outputs?.['pid'] });
    expect(first.log).toContain(`run-1/fit.3/${attempts[0].attempt}`);
    expect(second.log).toContain(`run-1/fit.3/${attempts[1].attempt}`);
  });

  it('keeps its token and its settings to itself', async () => {
    const { log } = await server.run([['shell', 'env | cut -d= -f1 | grep RYAX | sort']]);

    expect(log).toBe('RYAX_ATTEMPT\nRYAX_EXECUTION\nRYAX_RUN_ID\n');
  });

  it('shows what is written while it is written: both streams and children, in their order', async () => {
    const gate = server.path('order');
    const answer = await server.invoke(server.nextAttempt(), [
      ['print', 'one'],
      ['complain', 'two'],
      ['shell', 'echo three; echo four > /dev/stderr'],
      ['wait', gate],
      ['print', 'five'],
    ]);

    await answer.shows('one\ntwo\nthree\nfour\n');
    expect(answer.log).not.toContain('five');
    await server.release(gate);

    expect(await answer.result()).toMatchObject({ outputs: {} });
    expect(answer.log).toBe('one\ntwo\nthree\nfour\nfive\n');
    expect(answer.lines.filter(({ outputs, failure }) => outputs ?? failure)).toHaveLength(1);
  });

  it('makes text of whatever is written, and counts the log in bytes of that text', async () => {
    const steps = [['bytes', Buffer.from([0x61, 0xff, 0xc3, 0xa9, 0x0a]).toString('base64')]] as const;
    const answer = await server.invoke(server.nextAttempt(), steps);
    await answer.result();

    expect(answer.log).toBe('a\uFFFDé\n');
    expect(answer.offset).toBe(Buffer.byteLength('a\uFFFDé\n'));
  });

  it('passes on the code and message with which a handler says no', async () => {
    expect(await server.run([['deny', 'no quakes there', 404]])).toMatchObject({
      failure: { kind: 'user', message: 'no quakes there', code: 404 },
    });
  });

  it('answers another exception as a crash, with its trace in the log', async () => {
    const { failure, log } = await server.run([['throw', 'no such depth']]);

    expect(failure).toEqual({ kind: 'crash', message: expect.stringMatching(/^(Type|Value)Error: no such depth$/) });
    expect(log).toContain('ryax_handler');
  });

  it('says which module is missing, and what to do', async () => {
    const { failure, log } = await server.run([['miss']]);

    expect(failure).toMatchObject({ kind: 'crash', message: expect.stringContaining('not_there') });
    expect(log).toContain('[ryax] The module not_there is missing');
  });

  it.each([
    ['what is no outputs', 7, { kind: 'invalid', message: expect.stringContaining('must return') }],
    ['several outputs', [{}, {}], { kind: 'invalid', message: expect.stringContaining('streaming outputs') }],
  ])('refuses %s', async (_, returned, failure) => {
    expect(await server.run([['return', returned]])).toMatchObject({ failure });
  });

  it('tells a crash by its status and last words, and loads the handler anew', async () => {
    const before = await server.run([]);

    const { failure } = await server.run([
      ['print', 'last words'],
      ['exit', 3],
    ]);
    const after = await server.run([]);

    const message = "The handler's process exited with status 3 during the call: last words";
    expect(failure).toEqual({ kind: 'crash', message, code: 3 });
    expect(after.outputs).toMatchObject({ calls: 1 });
    expect(after.outputs?.['pid']).not.toBe(before.outputs?.['pid']);
    await server.becomes('ready');
  });

  it('tells which signal has killed the handler', async () => {
    expect(await server.run([['shell', 'kill -9 $PPID']])).toMatchObject({
      failure: { kind: 'crash', code: 137, message: expect.stringContaining('137 (SIGKILL)') },
    });
  });

  it('runs one attempt at a time and says which one keeps it busy', async () => {
    const gate = server.path('busy');
    const first = server.nextAttempt();
    const answer = await server.invoke(first, [['wait', gate]]);

    const refused = await server.post('/invoke', { attempt: server.nextAttempt(), inputs: { steps: [] } });
    expect({ status: refused.status, body: await refused.json() }).toEqual({
      status: 409,
      body: { error: 'Busy with another attempt', attempt: first },
    });

    await server.release(gate);
    await answer.result();
    expect(await server.run([])).toHaveProperty('outputs');
  });

  describe('an attempt whose client has gone', () => {
    it('goes on, and is attached to again without a gap or a repeat, and without a second run', async () => {
      const [gate, runs] = [server.path('again'), server.path('runs')];
      const attempt = server.nextAttempt();
      const first = await server.invoke(attempt, [
        ['append', runs, 'x'],
        ['print', 'before: é'],
        ['wait', gate],
        ['print', 'after'],
        ['return', { y: 1 }],
      ]);
      await first.shows('before: é\n');
      first.disconnect();

      const second = await server.attach(attempt, first.offset);
      await server.release(gate);

      expect(await second.result()).toMatchObject({ outputs: { y: 1 } });
      expect(first.log + second.log).toBe('before: é\nafter\n');
      expect(await readFile(runs, 'utf8')).toBe('x');
    });

    it('has a log that is put together again whole, however often the client goes', async () => {
      const attempt = server.nextAttempt();
      const numbers = Array.from({ length: 100_000 }, (_, index) => `${index + 1} é\n`).join('');
      let part = await server.invoke(attempt, [['shell', "seq 1 100000 | sed 's/$/ é/'"]]);
      let [log, offset] = ['', 0];
      for (let times = 0; times < 10; times++) {
        await waitFor(() => part.lines.length > 0, { intervalMs: 1, describe: 'a line' });
        part.disconnect();
        [log, offset] = [log + part.log, Math.max(offset, part.offset)];
        part = await server.attach(attempt, offset);
      }

      expect(await part.result()).toHaveProperty('outputs');
      expect(log + part.log).toBe(numbers);
    });

    it('keeps its whole log and its result after its end, until another attempt begins', async () => {
      const [attempt, runs] = [server.nextAttempt(), server.path('kept')];
      const steps = [
        ['append', runs, 'x'],
        ['print', 'told'],
        ['return', { y: 1 }],
      ] as const;
      await (await server.invoke(attempt, steps)).result();

      for (let times = 0; times < 2; times++) {
        const again = await server.invoke(attempt, steps);
        expect(await again.result()).toMatchObject({ outputs: { y: 1 } });
        expect(again.log).toBe('told\n');
      }
      expect(await readFile(runs, 'utf8')).toBe('x');

      await server.run([]);
      expect((await server.post('/invoke', { attempt, log_offset: 0 })).status).toBe(410);
    });

    it('is not begun by whoever only wants to attach to it', async () => {
      const refused = await server.post('/invoke', { attempt: server.nextAttempt(), log_offset: 5 });

      expect(refused.status).toBe(410);
    });
  });

  it('serves two clients of the same attempt alike', async () => {
    const [attempt, gate] = [server.nextAttempt(), server.path('two')];
    const answers = [
      await server.invoke(attempt, [
        ['wait', gate],
        ['print', 'x'],
      ]),
      await server.attach(attempt, 0),
    ];

    await server.release(gate);

    const [one, other] = await Promise.all(answers.map((answer) => answer.result()));
    expect(one).toEqual(other);
    expect(answers.map(({ log }) => log)).toEqual(['x\n', 'x\n']);
  });

  describe('cancel', () => {
    it('ends the attempt that runs, and the handler is loaded anew', async () => {
      const attempt = server.nextAttempt();
      const answer = await server.invoke(attempt, [
        ['print', 'begun'],
        ['wait', '/never'],
      ]);
      await answer.shows('begun');

      expect((await server.post('/cancel', { attempt })).status).toBe(202);

      const message = 'The execution was cancelled';
      expect(await answer.result()).toMatchObject({
        failure: { kind: 'crash', message, details: { cancelled: true } },
      });
      expect(await server.run([])).toMatchObject({ outputs: { calls: 1 } });
    });

    it('changes nothing about an attempt that has ended, and knows no other', async () => {
      const attempt = server.nextAttempt();
      await server.run([], attempt);

      const ended = await server.post('/cancel', { attempt });
      expect({ status: ended.status, body: await ended.json() }).toEqual({ status: 200, body: { status: 'ended' } });
      expect((await server.post('/cancel', { attempt: server.nextAttempt() })).status).toBe(410);
    });
  });
});
