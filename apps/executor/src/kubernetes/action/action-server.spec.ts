import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { limits } from '@ryax/contracts';
import { ActionServer, type ServerLine } from './action-server';

const identity = { project: 'p', runId: 'r', execution: 'a', attempt: 1 };

describe('the answer of an action server', () => {
  let server: Server;
  let answer: readonly string[] = [];

  beforeAll(async () => {
    server = createServer((_request, response) => {
      for (const piece of answer) response.write(piece);
      response.end();
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterEach(() => jest.restoreAllMocks());
  afterAll(() => server.close());

  const said = async (...pieces: string[]): Promise<ServerLine[]> => {
    answer = pieces;
    const { port } = server.address() as AddressInfo;
    const lines = await new ActionServer('127.0.0.1', 'token', identity, 1_000, port).invoke(
      {},
      undefined,
      AbortSignal.timeout(60_000),
    );
    const heard: ServerLine[] = [];
    for await (const line of lines) heard.push(line);
    return heard;
  };

  it('is read by lines, of which a separator of Unicode ends none: Node writes those as they are', async () => {
    const outputs = { text: 'one\u2028two\u2029three\rfour' };
    const lines = [
      { log: 'a\u2028b\n', offset: 4 },
      { outputs, cwd: '/', duration_ms: 1 },
    ];

    expect(await said(...lines.map((line) => `${JSON.stringify(line)}\n`))).toEqual(lines);
  });

  it('is passed over where a line was cut, or is of another kind', async () => {
    expect(await said('{"beat":true}\n{"mood":"good"}\n{"outputs":{"a"')).toEqual([{ beat: true }]);
  });

  it('is a failure where the outputs are longer than anybody should hold in memory', async () => {
    jest.replaceProperty(limits, 'valueBytes', 1_000);
    const message = expect.stringMatching(/^The outputs are larger than .* return large data as a file$/);

    expect(await said('{"beat":true}\n', `{"outputs":{"a":"${'x'.repeat(2_000)}`)).toEqual([
      { beat: true },
      { failure: { kind: 'invalid', message } },
    ]);
  });
});
