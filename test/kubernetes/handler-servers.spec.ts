import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { JsonObject } from '@ryax/contracts';
import { LocalFileStore, packDirectory } from '@ryax/filestore';
import { waitFor } from '@ryax/testing';
import { clockAhead, TestSite } from './site';
import { isReal, patienceMs } from './target';
import { HeldOutput } from './test-executor';

const repository = 'registry.test/actions';
const limitMs = 3 * patienceMs;

const metadata = {
  spec: {
    type: 'nodejs',
    inputs: [{ name: 'rows', type: 'file', optional: true }],
    outputs: [
      { name: 'answer', type: 'string' },
      { name: 'copy', type: 'file', optional: true },
    ],
  },
};

/** What stands in the place of an action's server. */
const servers = {
  wrong: `serve((request, response) => {
    response.statusCode = 500;
    response.end(JSON.stringify({ error: 'no space left on device' }));
  })`,
  // Takes the attempt, and breaks off before it says a word.
  wordless: `serve((request, response) => {
    response.writeHead(200).flushHeaders();
    setTimeout(() => response.socket.destroy(), 10);
  })`,
  deaf: `setInterval(() => {}, 1_000)`,
  // Takes the attempt, is not to be reached for longer than anybody has patience for, and has its result then.
  broken: `serve((request, response) => {
    response.write(JSON.stringify({ log: 'begun\\n', offset: 6 }) + '\\n', () => {
      response.socket.destroy();
      server.close();
      setTimeout(() => serve((request, response) => {
        response.end(JSON.stringify({ outputs: { answer: 'here' }, cwd: '/', duration_ms: 1 }) + '\\n');
      }), 3_000);
    });
  })`,
  // Says much at once, and then nothing.
  talking: `serve((request, response) => {
    const lines = ['one', 'two', 'three'].map((log, index) => ({ log: log + '\\n', offset: index + 1 }));
    response.write(lines.map((line) => JSON.stringify(line) + '\\n').join(''));
  })`,
  // Is not to be reached at first, takes a file for longer than anybody has patience for a start, and breaks off once more.
  slow: `
    const seen = new Set();
    serve((request, response) => {
      const isFirst = !seen.has(request.method);
      seen.add(request.method);
      if (isFirst) return response.socket.destroy();
      const answer = { PUT: { path: '/rows' }, POST: { outputs: { answer: 'here' }, cwd: '/', duration_ms: 1 } };
      setTimeout(() => response.end(JSON.stringify(answer[request.method]) + '\\n'), request.method === 'PUT' ? 9_000 : 0);
    })`,
  // Breaks off when what it has returned is fetched, in the midst of it and before its first word.
  dropping: `
    let gets = 0;
    serve((request, response) => {
      const ended = { outputs: { answer: 'here', copy: '/rows.csv' }, cwd: '/', duration_ms: 1 };
      if (request.method === 'POST') return response.end(JSON.stringify(ended) + '\\n');
      gets++;
      if (gets === 2) return response.socket.destroy();
      response.writeHead(200, { 'content-length': 9 });
      if (gets === 1) response.write('some', () => response.socket.destroy());
      else response.end('some rows');
    })`,
  // Fails of itself at what it has returned, as servers did that could not tell what is wrong with a path.
  clueless: `serve((request, response) => {
    const ended = { outputs: { answer: 'here', copy: '/rows.csv/x' }, cwd: '/', duration_ms: 1 };
    if (request.method === 'POST') return response.end(JSON.stringify(ended) + '\\n');
    response.statusCode = 500;
    response.end(JSON.stringify({ error: 'not a directory' }));
  })`,
  // Twice takes a part of a file, for longer than anybody has patience for a start, and breaks off.
  failing: `
    let puts = 0;
    server = require('node:http').createServer((request, response) => {
      const answer = { PUT: { path: '/rows' }, POST: { outputs: { answer: 'here' }, cwd: '/', duration_ms: 1 } };
      request.on('end', () => response.end(JSON.stringify(answer[request.method]) + '\\n'));
      if (request.method === 'POST' || ++puts > 2) return request.resume();
      const takePiece = setInterval(() => request.read(64 * 1024), 30);
      setTimeout(() => {
        clearInterval(takePiece);
        request.destroy();
      }, 9_000);
    });
    server.listen(Number(process.env.RYAX_PORT), process.env.RYAX_HOST);`,
};
const preamble = `
let server;
function serve(answer) {
  server = require('node:http').createServer((request, response) => {
    request.resume().on('end', () => answer(request, response));
  });
  server.listen(Number(process.env.RYAX_PORT), process.env.RYAX_HOST);
}
`;

/** A cluster would have to find their images in a registry. */
const describeHere = isReal ? describe.skip : describe;
describeHere('a handler whose pod runs, and its server', () => {
  let folder: string;
  let site: TestSite | undefined;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ryax-servers-'));
  });
  afterEach(async () => {
    await TestSite.closeAll();
    await rm(folder, { recursive: true, force: true });
  }, limitMs);

  /** What comes of an attempt without a time limit. */
  async function outcomeWith(server: keyof typeof servers, patience: object, rows?: string) {
    const { launch, executor } = await given(server, patience, rows);
    const { end, log } = await executor.run(launch);
    await site?.noPodIsLeft();
    return { outcome: end.outcome, log };
  }

  async function given(server: keyof typeof servers, patience: object, rows?: string) {
    const action = join(folder, 'action');
    await mkdir(action);
    await writeFile(join(action, 'ryax_metadata.yaml'), JSON.stringify(metadata));
    const { hash } = await packDirectory(await LocalFileStore.open(join(folder, 'files')), action);
    const image = `${repository}:${hash.replace('sha256:', '')}`;
    const command = [process.execPath, '-e', preamble + servers[server]];
    site = await TestSite.open({
      site: { actionImages: repository, handlers: 'job', patience },
      server: { images: { [image]: { command } } },
    });
    await packDirectory(site.files, action);
    const executor = await site.executor();
    const stored = rows === undefined ? undefined : await site.files.put(rows);
    const inputs: JsonObject = stored
      ? { rows: { $file: stored.hash, name: 'rows.csv', size: stored.size, kind: 'file' } }
      : {};
    const launch = site.launch('', { action: { type: 'handler', content_hash: hash }, inputs });
    return { site, launch, executor };
  }

  it(
    'answers with errors for ever: lost when patience ends, and its pod is removed',
    async () => {
      const { outcome } = await outcomeWith('wrong', { unreachable: '1s' });
      expect(outcome).toMatchObject({
        status: 'failed',
        failure: { kind: 'lost', message: expect.stringMatching(/at last 500: no space left on device$/) as string },
      });
    },
    limitMs,
  );

  it(
    'never listens: lost when patience ends, and its pod is removed',
    async () => {
      const { outcome } = await outcomeWith('deaf', { starting: '3s' });
      expect(outcome).toMatchObject({
        status: 'failed',
        failure: { kind: 'lost', message: expect.stringContaining('Check that the executor can reach pods') as string },
      });
    },
    limitMs,
  );

  it(
    'takes the attempt again and again, and says no word of it: lost when patience ends',
    async () => {
      const { outcome } = await outcomeWith('wordless', { unreachable: '1s' });
      expect(outcome).toMatchObject({
        status: 'failed',
        failure: { kind: 'lost', message: expect.stringContaining('an answer without a word') as string },
      });
    },
    limitMs,
  );

  it(
    'has never listened when a successor takes its pod over: lost when patience ends',
    async () => {
      const { site, launch, executor } = await given('deaf', { starting: '8s' });
      const begun = executor.launch(launch);
      await site.containerIs('running', launch);
      await executor.close();
      expect(await begun.running.ended).toBe('left');
      // For it the container has not run for as long as anybody asks.
      const second = await site.executor(undefined, undefined, { clock: clockAhead(-3_600_000) });
      second.launcher.alive([second.incarnation]);
      await waitFor(() => second.adopted.length === 1, { timeoutMs: patienceMs });
      expect(await second.adopted[0]?.outcome()).toMatchObject({ failure: { kind: 'lost' } });
      second.forget(launch);
      await site.noPodIsLeft();
    },
    limitMs,
  );

  it(
    'says more than is taken while the broker is away: when it is left, nothing more is written',
    async () => {
      const { site, launch, executor } = await given('talking', {});
      const output = new HeldOutput();
      const { ended } = executor.launcher.launch(launch, output);
      await output.has('one');
      await executor.close();
      expect(await ended).toBe('left');
      output.release();
      // In that time it would have been.
      await (await site.executor()).run(site.launch('true'));
      expect(output.lines).toEqual(['one']);
    },
    limitMs,
  );

  it(
    'was reached, takes its files for long, and is lost from sight for a moment: called when it can be again',
    async () => {
      const { outcome } = await outcomeWith('slow', { starting: '8s' }, 'some rows\n');
      expect(outcome).toEqual({ status: 'succeeded', outputs: { answer: 'here', copy: null } });
    },
    limitMs,
  );

  it(
    'breaks off twice with a file that gets on: called when it has the file',
    async () => {
      const rows = 'some rows\n'.repeat(6_000_000);
      const { outcome } = await outcomeWith('failing', { starting: '8s' }, rows);
      expect(outcome).toEqual({ status: 'succeeded', outputs: { answer: 'here', copy: null } });
    },
    limitMs,
  );

  it(
    'breaks off twice with a file that it has returned: the file is fetched all the same',
    async () => {
      const { outcome } = await outcomeWith('dropping', {});
      const copy = { kind: 'file', name: 'rows.csv', size: 9 };
      expect(outcome).toMatchObject({ status: 'succeeded', outputs: { answer: 'here', copy } });
    },
    limitMs,
  );

  it(
    'fails of itself at what it has returned, again and again: the fault of the action, and not a server that is away',
    async () => {
      const { outcome } = await outcomeWith('clueless', {});
      expect(outcome).toMatchObject({
        status: 'failed',
        failure: { kind: 'user', message: expect.stringContaining('/rows.csv/x cannot be read') as string },
      });
    },
    limitMs,
  );

  it(
    'cannot be reached for long after it has begun: attached to when it can be again',
    async () => {
      const { outcome, log } = await outcomeWith('broken', { unreachable: '1s' });
      expect(outcome).toEqual({ status: 'succeeded', outputs: { answer: 'here', copy: null } });
      expect(log.lines).toEqual(['begun']);
    },
    limitMs,
  );
});
