import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { V1Pod } from '@kubernetes/client-node';
import type { JsonObject } from '@ryax/contracts';
import { LocalFileStore, openSecrets } from '@ryax/filestore';
import { Clock } from '@ryax/platform';
import type { InputSources } from '../../process/inputs';
import { ValueCache } from '../../process/value-cache';
import { containerLaunch } from '../testing/launches';
import { siteWith } from '../testing/sites';
import { CommandFiles } from './command-files';
import { filesPort } from './files-containers';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;
const json = (status: number, body: object) => (_request: IncomingMessage, response: ServerResponse) => {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
};
/** Takes it, and its answer is lost on the way. */
const lost: Answer = ({ socket }) => socket.destroy();
const begun = json(410, { error: 'The command has begun: nothing more is taken' });
const place = json(200, { path: '/run/ryax/outputs.json', bytes: null, cwd: '/ryax/work' });

/** An address that no other spec listens on, where a system has more than one of its own. */
const address = process.platform === 'linux' ? '127.77.0.5' : '127.0.0.1';

describe('the files of a command on their way', () => {
  let directory: string;
  let sources: InputSources;
  let server: Server | undefined;
  let asked: string[];
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'ryax-command-files-'));
    const files = await LocalFileStore.open(directory);
    const secrets = await openSecrets(files, { directory });
    sources = { files, secrets, values: new ValueCache(files, 1024), inlineValueBytes: 64 * 1024 };
    asked = [];
  });
  afterEach(async () => {
    server?.close();
    server?.closeAllConnections();
    await rm(directory, { recursive: true, force: true });
  });

  /**
   * Answers each request by its method and path with the next of its answers; the last one is given for ever.
   * @param deafTo what is never read
   */
  async function serve(answers: Readonly<Record<string, readonly Answer[]>>, deafTo?: string): Promise<void> {
    const counts = new Map<string, number>();
    server = createServer((request, response) => {
      const key = `${request.method} ${request.url?.replace(/\?.*/, '')}`;
      asked.push(key);
      const count = counts.get(key) ?? 0;
      counts.set(key, count + 1);
      if (key === deafTo) return;
      const known = answers[key] ?? [json(404, { error: key })];
      request.resume().on('end', () => known[Math.min(count, known.length - 1)]?.(request, response));
    });
    await once(server.listen(filesPort, address), 'listening');
  }

  const { patienceMs } = siteWith();
  const isThere = (): V1Pod => ({ status: { podIP: address } });
  const filesOf = (look: () => V1Pod | undefined = isThere, patience = patienceMs) =>
    new CommandFiles({ sources, directory, patience, clock: new Clock(), look }, containerLaunch(), 'token');
  const { signal } = new AbortController();
  const bring = async (content: string | Buffer = 'rows', files = filesOf()) => {
    const { hash, size } = await sources.files.put(content);
    const rows: JsonObject = { $file: hash, name: 'rows.csv', size, kind: 'file' };
    return files.bring(address, { rows }, signal);
  };

  it('are put in their order, and again where the answer was lost; then the command is told to begin', async () => {
    const put = json(201, { path: '/run/ryax/1/rows.csv' });
    await serve({
      'GET /outputs': [lost, place],
      'PUT /files/1/rows.csv': [lost, put],
      'PUT /files/inputs.json': [json(201, { path: '/run/ryax/inputs.json' })],
      'POST /end': [json(200, { status: 'ending' })],
    });
    await bring();
    expect(asked).toEqual([
      ...['GET /outputs', 'GET /outputs'],
      ...['PUT /files/1/rows.csv', 'PUT /files/1/rows.csv'],
      ...['PUT /files/inputs.json', 'POST /end'],
    ]);
  });

  it.each([
    ['the answer to the last word was lost', 'POST /end', [lost, begun]],
    ['another executor was faster', 'PUT /files/1/rows.csv', [begun]],
  ])('are there when %s: the command has begun, and what runs beside it is left alone', async (_why, at, answers) => {
    await serve({
      'GET /outputs': [place],
      'PUT /files/1/rows.csv': [json(201, { path: '/run/ryax/1/rows.csv' })],
      'PUT /files/inputs.json': [json(201, { path: '/run/ryax/inputs.json' })],
      'POST /end': [json(200, { status: 'ending' })],
      [at]: answers,
    });
    await expect(bring()).resolves.toBeUndefined();
  });

  const fetched = (files: CommandFiles) =>
    files.fetch([{ name: 'out', type: 'file' }], { write: () => true, drained: () => Promise.resolve() }, signal);
  const content = (text: string) => (_request: IncomingMessage, response: ServerResponse) => response.end(text);

  it('are fetched again where they broke off, from their beginning', async () => {
    const outputs = '{"out": "out"}';
    const broken: Answer = (_request, response) => {
      response.writeHead(200, { 'content-length': 100 });
      response.write('half', () => response.socket?.destroy());
    };
    let gets = 0;
    await serve({
      'GET /outputs': [json(200, { path: '/run/ryax/outputs.json', bytes: outputs.length, cwd: '/ryax/work' })],
      'GET /files': [
        (request, response) => {
          const isOutputs = request.url?.includes('outputs.json') === true;
          if (isOutputs) return content(outputs)(request, response);
          return (++gets === 1 ? broken : content('whole'))(request, response);
        },
      ],
    });
    const outcome = await fetched(filesOf());
    expect(outcome).toMatchObject({ status: 'succeeded', outputs: { out: { name: 'out', size: 5 } } });
  });

  describe('that do not get on', () => {
    const impatient = { ...patienceMs, unreachable: 1_500 };
    const outputs = '{"out": "out"}';
    /** Of the file `out`: so many bytes at a time, and at last its end if it has one. */
    const served = (out: Answer) => ({
      'GET /outputs': [json(200, { path: '/run/ryax/outputs.json', bytes: outputs.length, cwd: '/ryax/work' })],
      'GET /files': [
        (request: IncomingMessage, response: ServerResponse) => {
          const isOutputs = request.url?.includes('outputs.json') === true;
          return (isOutputs ? content(outputs) : out)(request, response);
        },
      ],
    });
    const inPieces =
      (piece: Buffer, count: number): Answer =>
      (_request, response) => {
        response.writeHead(200, { 'content-length': piece.length * count });
        let sent = 0;
        const timer = setInterval(() => {
          response.write(piece);
          if (++sent === count) clearInterval(timer);
        }, 100);
        response.once('close', () => clearInterval(timer));
      };

    it('on their way from the pod are lost, though a byte comes now and then', async () => {
      await serve(served(inPieces(Buffer.from('x'), 1_000_000)));
      await expect(fetched(filesOf(isThere, impatient))).rejects.toMatchObject({
        failure: {
          kind: 'lost',
          message: expect.stringMatching(
            /^Fetching \/ryax\/work\/out from its pod did not get on for 1.5 s: \d+ bytes went through/,
          ) as string,
        },
      });
    });

    it('on their way to the pod are lost', async () => {
      await serve({ 'GET /outputs': [place] }, 'PUT /files/1/rows.csv');
      await expect(bring(randomBytes(32 * 2 ** 20), filesOf(isThere, impatient))).rejects.toMatchObject({
        failure: {
          kind: 'lost',
          message: expect.stringMatching(/^Bringing 1\/rows.csv to its pod did not get on for 1.5 s/) as string,
        },
      });
    });

    it('are no others: those that do may take longer than that', async () => {
      const piece = Buffer.alloc(64 * 1024, 'x');
      await serve(served(inPieces(piece, 32)));
      const sinceMs = performance.now();
      const outcome = await fetched(filesOf(isThere, impatient));
      expect(outcome).toMatchObject({ status: 'succeeded', outputs: { out: { size: 32 * piece.length } } });
      expect(performance.now() - sinceMs).toBeGreaterThan(2 * impatient.unreachable);
    });
  });

  it('are lost as soon as it is known that nobody has them any more', async () => {
    let isThere = true;
    await serve({
      'GET /outputs': [
        (request, response) => {
          isThere = false;
          lost(request, response);
        },
      ],
    });
    const files = filesOf(() => (isThere ? { status: { podIP: address } } : undefined));
    await expect(fetched(files)).rejects.toMatchObject({
      failure: { kind: 'lost', message: 'The pod was deleted before its outputs were fetched' },
    });
  });
});
