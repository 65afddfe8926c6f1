import { SignJWT } from 'jose';
import { useTestBroker, useTestDatabase, waitFor } from '@ryax/testing';
import { Engine, type HistoryEvent } from './engine';
import { wrongDefinitions } from './wrong-definitions';

const hello = {
  apiVersion: 'ryax.tech/v2.0',
  kind: 'Workflow',
  spec: {
    id: 'hello',
    trigger: {
      kind: 'manual',
      outputs: [
        { name: 'name', type: 'string', default_value: 'world' },
        { name: 'times', type: 'integer', default_value: 2 },
        { name: 'token', type: 'password', optional: true },
      ],
    },
    actions: [
      { id: 'greet', action: 'core/noop', inputs: { text: "='hello ' + trigger.name" } },
      { id: 'again', action: 'core/noop', inputs: { count: '=trigger.times + 1', text: '=greet.text' } },
    ],
    results: { text: '=again.text', count: '=again.count' },
  },
};

const shell = {
  apiVersion: 'ryax.tech/v2.0',
  kind: 'Workflow',
  spec: {
    id: 'shell',
    actions: [
      { id: 'speak', container: { image: 'alpine:3.20', command: ['sh', '-c', 'echo one; echo two >&2; echo three'] } },
    ],
  },
};

const nap = {
  apiVersion: 'ryax.tech/v2.0',
  kind: 'Workflow',
  spec: {
    id: 'nap',
    actions: [{ id: 'sleep', action: 'core/sleep', inputs: { seconds: 600 } }],
    finally: [{ id: 'tidy', action: 'core/noop', inputs: { state: '=state.sleep' } }],
  },
};

/** A list in a list in a list … */
function nested(levels: number): unknown {
  let value: unknown = [];
  for (let level = 1; level < levels; level++) value = [value];
  return value;
}

interface Answer {
  readonly error: string;
  readonly details: readonly { readonly path: string; readonly reason: string }[];
}

describe('REST', () => {
  const broker = useTestBroker();
  const database = useTestDatabase();
  const engine = new Engine({ brokerUrl: () => broker.url, datastoreUrl: () => database.url });
  beforeAll(() => engine.startAll(), 120_000);

  async function answer(method: string, path: string, body?: unknown, headers?: Record<string, string>) {
    const response = await engine.request(method, path, body, headers);
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      body: (text === '' ? {} : JSON.parse(text)) as Answer,
    };
  }

  describe('wrong definitions', () => {
    it.each(wrongDefinitions)('refuses $name', async ({ definition, path, reason }) => {
      const { status, body } = await answer('POST', '/v1/workflows', definition);
      expect(status).toBe(400);
      expect(body.error).toBe('Invalid workflow specification');
      const details = body.details.filter((detail) => detail.path === path);
      expect({ details: body.details, path }).toEqual({
        details: expect.arrayContaining([expect.objectContaining({ path })]),
        path,
      });
      expect(details.some((detail) => reason.test(detail.reason))).toBe(true);
    });

    it('answers all faults of a definition at once, whatever route it came by', async () => {
      const spec = {
        ...hello.spec,
        actions: [
          { id: 'Wrong Id', action: 'core/noop' },
          { id: 'b', action: 'core/nothing' },
        ],
      };
      for (const [path, body] of [
        ['/v1/workflows/validate', { ...hello, spec }],
        ['/v1/executions', { definition: { ...hello, spec }, inputs: {} }],
      ] as const) {
        const { status, body: refused } = await answer('POST', path, body);
        expect(status).toBe(400);
        expect(refused.details.map((detail) => detail.path)).toEqual(
          expect.arrayContaining(['spec.actions[0].id', 'spec.actions[1].action']),
        );
      }
    });

    it('says where YAML does not parse', async () => {
      const { status, body } = await answer('POST', '/v1/workflows', 'spec: [a, b', {
        'content-type': 'application/yaml',
      });
      expect(status).toBe(400);
      expect(body.details[0]?.reason).toMatch(/line 1/);
    });
  });

  describe('workflows', () => {
    it('gives equal content the version that it had, and changed content the next', async () => {
      const deploy = (description: string) =>
        engine.json<{ version: number }>('POST', '/v1/workflows', {
          ...hello,
          spec: { ...hello.spec, id: 'versions', description },
        });
      expect((await deploy('first')).version).toBe(1);
      expect((await deploy('second')).version).toBe(2);
      expect((await deploy('first')).version).toBe(1);
      expect((await deploy('third')).version).toBe(3);
    });

    it('run as they were deployed last, also by an intake that has started an earlier version', async () => {
      const path = '/v1/workflows/changing';
      const deploy = (outputs: unknown[]) =>
        engine.json('POST', '/v1/workflows', {
          ...hello,
          spec: { id: 'changing', trigger: { kind: 'manual', outputs }, actions: hello.spec.actions.slice(0, 1) },
        });
      const start = (inputs: unknown) => answer('POST', `${path}/runs`, { inputs });
      const name = { name: 'name', type: 'string', default_value: 'x' };

      await deploy([name]);
      expect(await start({})).toMatchObject({ status: 202, body: { workflow_version: 1 } });
      await deploy([name, { name: 'mark', type: 'string', default_value: '!' }]);
      expect(await start({})).toMatchObject({ status: 202, body: { workflow_version: 2 } });
      await deploy([name, { name: 'tail', type: 'string', default_value: '?' }]);
      expect(await start({ tail: '.' })).toMatchObject({ status: 202, body: { workflow_version: 3 } });
      expect((await answer('DELETE', path)).status).toBe(204);
      expect((await start({})).status).toBe(409);
      await deploy([name]);
      expect(await start({})).toMatchObject({ status: 202, body: { workflow_version: 1 } });
    });

    it('can be read right after they were deployed, and not run after they were undeployed', async () => {
      await engine.json('POST', '/v1/workflows', { ...hello, spec: { ...hello.spec, id: 'short-lived' } });
      expect((await answer('GET', '/v1/workflows/short-lived')).status).toBe(200);
      expect((await answer('DELETE', '/v1/workflows/short-lived')).status).toBe(204);
      expect((await answer('POST', '/v1/workflows/short-lived/runs', {})).status).toBe(409);
    });
  });

  describe('runs', () => {
    it('run to their end with the inputs given and the defaults of the others', async () => {
      const runId = await engine.execute(hello, { name: 'ada' });
      expect(await engine.waitForEnd(runId)).toBe('succeeded');
      expect(await engine.results(runId)).toEqual({ text: 'hello ada', count: 3 });
    });

    /** A list that takes too long to catch up says so. */
    const freshList = async () => {
      const path = '/v1/runs?workflow_id=hello';
      const list = await engine.json<{ items: { run_id: string }[]; stale: boolean }>('GET', path);
      return !list.stale && list;
    };

    it('are there when they are read right after they were accepted, in lists, too', async () => {
      for (let round = 0; round < 10; round++) {
        const runId = await engine.execute(hello);
        expect((await answer('GET', `/v1/runs/${runId}`)).status).toBe(200);
        const { items } = await waitFor(freshList, { describe: 'a list that is not stale' });
        expect(items.map((item) => item.run_id)).toContain(runId);
      }
    });

    it('name each input that is wrong', async () => {
      await engine.json('POST', '/v1/workflows', hello);
      const { status, body } = await answer('POST', '/v1/workflows/hello/runs', {
        inputs: { times: 'many', nmae: 'x' },
      });
      expect(status).toBe(400);
      expect(body.details.map((detail) => detail.path).sort()).toEqual(['inputs.nmae', 'inputs.times']);
    });

    it('are the same run under the same key, and a conflict with another body', async () => {
      await engine.json('POST', '/v1/workflows', hello);
      const start = (inputs: object, key: string) =>
        answer('POST', '/v1/workflows/hello/runs', { inputs }, { 'idempotency-key': key });
      const first = await start({ name: 'a' }, 'key-1');
      const repeat = await start({ name: 'a' }, 'key-1');
      expect([first.status, repeat.status]).toEqual([202, 202]);
      expect(repeat.body).toMatchObject({ run_id: (first.body as unknown as { run_id: string }).run_id });
      expect((await start({ name: 'b' }, 'key-1')).status).toBe(409);
      expect((await start({ name: 'b' }, 'key-2')).status).toBe(202);
    });

    it('have the reply of the first when they are asked for again, also after their workflow has changed or is gone', async () => {
      const at = (description: string) => ({ ...hello, spec: { ...hello.spec, id: 'left', description } });
      const path = '/v1/workflows/left';
      const start = (key: string, inputs = {}) =>
        answer('POST', `${path}/runs`, { inputs }, { 'idempotency-key': key });
      const startMany = (runs: object[], key: string) =>
        answer('POST', `${path}/runs/batch`, { runs }, { 'idempotency-key': key });
      await engine.json('POST', '/v1/workflows', at('one'));
      const first = await start('once');
      const { run_id } = first.body as unknown as { run_id: string };
      const repeated = { status: 202, body: { run_id, workflow_version: 1 } };
      expect(await startMany([{}], 'many')).toMatchObject({ body: { items: [{ status: 202 }] } });

      await engine.json('POST', '/v1/workflows', at('two'));
      expect(await start('once')).toMatchObject(repeated);
      expect((await answer('DELETE', path)).status).toBe(204);
      expect((await start('never')).status).toBe(409);
      expect(await start('once')).toMatchObject(repeated);
      const items = [{ status: 202, workflow_version: 1 }, { status: 409 }];
      expect(await startMany([{}, {}], 'many')).toMatchObject({ status: 207, body: { items } });

      expect((await start('once', { name: 'other' })).status).toBe(409);
    });

    it('a repeat of POST /v1/executions answers its first run and deploys nothing, whatever was deployed since', async () => {
      const at = (description: string) => ({ ...hello, spec: { ...hello.spec, id: 'repeated', description } });
      const execute = (description: string) =>
        answer('POST', '/v1/executions', { definition: at(description) }, { 'idempotency-key': 'repeated' });
      const newest = async () => (await engine.json<{ version: number }>('GET', '/v1/workflows/repeated')).version;
      const runs = async () =>
        (await engine.json<{ items: object[] }>('GET', '/v1/runs?workflow_id=repeated')).items.length;

      const first = await execute('one');
      expect(first).toMatchObject({ status: 202, body: { workflow_version: 1, run_id: expect.any(String) } });
      await engine.json('POST', '/v1/workflows', at('two'));

      const repeat = await execute('one');
      const { run_id: runId } = first.body as unknown as { run_id: string };
      expect(repeat).toMatchObject({ status: 202, body: { workflow_version: 1, run_id: runId } });
      expect(await newest()).toBe(2);

      for (const other of ['two', 'three']) expect((await execute(other)).status).toBe(409);
      expect(await newest()).toBe(2);
      expect((await answer('GET', '/v1/workflows/repeated/versions/3')).status).toBe(404);
      expect(await runs()).toBe(1);
    });

    it('keep every key of their inputs, whatever it is called', async () => {
      const j = [{ constructor: 'Ferrari', prototype: 1, toString: 2, k: 1 }];
      const keeping = {
        apiVersion: 'ryax.tech/v2.0',
        kind: 'Workflow',
        spec: {
          id: 'keeping',
          trigger: { kind: 'manual', outputs: [{ name: 'j', type: 'json' }] },
          actions: [{ id: 'hold', action: 'core/noop', inputs: { j: '=trigger.j' } }],
          results: { j: '=hold.j', makers: '=hold.j.map(x, x.constructor)' },
        },
      };
      const runId = await engine.execute(keeping, { j });
      expect(await engine.waitForEnd(runId)).toBe('succeeded');
      expect(await engine.results(runId)).toEqual({ j, makers: ['Ferrari'] });
    });

    it('start once, however many ask under one key at the same time', async () => {
      await engine.json('POST', '/v1/workflows', hello);
      const answers = await Promise.all(
        Array.from({ length: 20 }, () =>
          engine.json<{ run_id: string }>('POST', '/v1/workflows/hello/runs', {}, { 'idempotency-key': 'at once' }),
        ),
      );
      expect(new Set(answers.map((each) => each.run_id)).size).toBe(1);
    });

    it('can be read as of any version of their history', async () => {
      const runId = await engine.execute(hello);
      await engine.waitForEnd(runId);
      const asOf = await engine.json<{ run: { state: string }; version: number }>('GET', `/v1/runs/${runId}?version=2`);
      expect([asOf.run.state, asOf.version]).toEqual(['running', 2]);
    });

    it('are cancelled, run finally, and say so', async () => {
      const runId = await engine.execute(nap);
      await engine.waitForEvents(runId, 'ExecutionScheduled', 1);
      expect((await answer('POST', `/v1/runs/${runId}/cancel`, { reason: 'enough' })).status).toBe(202);
      expect(await engine.waitForEnd(runId)).toBe('cancelled');
      const types = (await engine.history(runId)).map((event) => [event.type, event.data['execution']]);
      expect(types).toEqual(
        expect.arrayContaining([
          ['ExecutionCancelled', 'sleep'],
          ['ExecutionSucceeded', 'tidy'],
        ]),
      );
    });

    it('say when they will probably end, and how sure that is', async () => {
      const { estimate } = await engine.json<{ estimate: { confidence: number } }>('POST', '/v1/executions', {
        definition: hello,
      });
      expect(estimate.confidence).toBeGreaterThanOrEqual(0);
    });

    it('never show a password', async () => {
      const password = 'correct horse battery staple';
      const runId = await engine.execute(hello, { token: password });
      await engine.waitForEnd(runId);
      const texts = await Promise.all(
        [`/v1/runs/${runId}`, `/v1/runs/${runId}/history`].map(async (path) =>
          (await engine.request('GET', path)).text(),
        ),
      );
      const rows = await database.query<{ data: string }>('SELECT data FROM events');
      expect([...texts, ...rows.map((row) => row.data)].filter((text) => text.includes(password))).toEqual([]);
    });
  });

  describe('values', () => {
    const passing = (items: readonly unknown[]) => ({
      apiVersion: 'ryax.tech/v2.0',
      kind: 'Workflow',
      spec: {
        id: 'passing',
        trigger: { kind: 'manual', outputs: [{ name: 'items', type: 'json', default_value: items }] },
        actions: [
          { id: 'hold', action: 'core/noop', inputs: { items: '=trigger.items' } },
          { id: 'each', action: 'core/noop', for_each: '=hold.items', inputs: { item: '=item', index: '=index' } },
          { id: 'gather', action: 'core/noop', inputs: { all: '=each', count: '=size(each)' } },
        ],
        results: { count: '=gather.count', indexes: '=gather.all.map(e, e.index)' },
      },
    });

    it.each([
      ['that a state keeps', 10, 10],
      ['that are read from the log again', 10, 500],
      ['that travel by reference', 40, 4_000],
    ])('%s reach every element and come back in order', async (_name, count, length) => {
      const items = Array.from({ length: count }, (_item, index) => `${index} ${'x'.repeat(length)}`);
      const runId = await engine.execute(passing([]), { items });
      expect(await engine.waitForEnd(runId)).toBe('succeeded');
      expect(await engine.results(runId)).toEqual({ count, indexes: items.map((_item, index) => index) });
    });
  });

  describe('live', () => {
    it('streams the events of a run, and goes on after the last one seen', async () => {
      const runId = await engine.execute(hello);
      const whole = await readEvents(await engine.request('GET', `/v1/runs/${runId}/events`));
      expect(whole.map((event) => event.version)).toEqual(whole.map((_event, index) => index + 1));
      expect(whole.at(-1)?.type).toBe('RunSucceeded');
      const rest = await readEvents(
        await engine.request('GET', `/v1/runs/${runId}/events`, undefined, { 'last-event-id': '3' }),
      );
      expect(rest[0]?.version).toBe(4);
    });

    it('gives the output of an execution, complete once it has ended', async () => {
      const runId = await engine.execute(shell);
      await engine.waitForEnd(runId);
      const log = await (await engine.request('GET', `/v1/runs/${runId}/executions/speak/log?follow`)).text();
      for (const line of ['one', 'two', 'three']) expect(log).toContain(line);
    });
  });

  describe('files', () => {
    it('come back as they were, whole or in part', async () => {
      const uploaded = await engine.json<{ file_id: string; value: object }>(
        'POST',
        '/v1/files?name=digits.txt',
        '0123456789',
        {
          'content-type': 'application/octet-stream',
        },
      );
      const whole = await engine.request('GET', `/v1/files/${uploaded.file_id}`);
      expect(await whole.text()).toBe('0123456789');
      const part = await engine.request('GET', `/v1/files/${uploaded.file_id}`, undefined, { range: 'bytes=3-5' });
      expect([part.status, part.headers.get('content-range'), await part.text()]).toEqual([206, 'bytes 3-5/10', '345']);
    });

    it('that are no archive are refused as a directory and as an action', async () => {
      const headers = { 'content-type': 'application/gzip' };
      expect((await answer('POST', '/v1/files?name=x&kind=directory', 'no archive', headers)).status).toBe(400);
      expect((await answer('POST', '/v1/actions', 'no archive', headers)).status).toBe(400);
    });
  });

  describe('what is asked wrongly', () => {
    it.each([
      ['an unknown path', 'GET', '/v1/nothing', undefined, 404],
      ['an unknown run', 'GET', '/v1/runs/nobody', undefined, 404],
      ['an unknown run to be cancelled', 'POST', '/v1/runs/nobody/cancel', {}, 404],
      ['an unknown workflow', 'POST', '/v1/workflows/nobody/runs', {}, 404],
      ['a method that the path does not take', 'PUT', '/v1/workflows', {}, 405],
      ['an unknown field', 'POST', '/v1/workflows/hello/runs', { input: {} }, 400],
      ['a body that is no object', 'POST', '/v1/executions', [], 400],
      ['a limit that is none', 'GET', '/v1/runs?limit=many', undefined, 400],
      ['a cursor that is none', 'GET', '/v1/runs?cursor=nonsense', undefined, 400],
      ['an unknown query parameter', 'GET', '/v1/runs?workflw_id=x', undefined, 400],
      ['a body nested deeper than anything', 'POST', '/v1/executions', { definition: nested(3_000) }, 400],
      ['inputs nested deeper than anything', 'POST', '/v1/workflows/hello/runs', { inputs: { j: nested(3_000) } }, 400],
      ['a path that is no UTF-8', 'GET', '/v1/runs/%E0%A4%A', undefined, 400],
      ['a file id that is none', 'GET', '/v1/files/..%2f..%2fetc', undefined, 400],
    ])('answers %s with its status and reason', async (_name, method, path, body, status) => {
      const found = await answer(method, path, body);
      expect(found.status).toBe(status);
      expect(typeof found.body.error).toBe('string');
      expect(Array.isArray(found.body.details)).toBe(true);
    });

    it('answers 400 to JSON that is none, 415 to a type that is not taken, 413 to what is too large', async () => {
      const json = { 'content-type': 'application/json' };
      expect((await answer('POST', '/v1/executions', '{"definition":', json)).status).toBe(400);
      for (const type of ['text/csv', 'text/plain']) {
        expect((await answer('POST', '/v1/executions', 'x', { 'content-type': type })).status).toBe(415);
      }
      expect((await answer('POST', '/v1/executions', `"${'x'.repeat(17 * 1024 * 1024)}"`, json)).status).toBe(413);
    });

    it('names what is missing: a token, a valid token, a scope', async () => {
      const none = await fetch(`${engine.url}/v1/runs`);
      expect([none.status, ((await none.json()) as Answer).error]).toEqual([401, expect.stringContaining('token')]);
      const wrong = await answer('GET', '/v1/runs', undefined, { authorization: 'Bearer nonsense' });
      expect(wrong.status).toBe(401);
      const forged = await new SignJWT({ scope: 'workflow:read' })
        .setProtectedHeader({ alg: 'HS256' })
        .sign(new TextEncoder().encode('x'.repeat(32)));
      expect((await answer('GET', '/v1/runs', undefined, { authorization: forged })).status).toBe(401);
    });

    it('names the scope that a valid token lacks, with or without the word Bearer', async () => {
      const token = await engine.tokenFor('workflow:read');
      for (const authorization of [token, `Bearer ${token}`]) {
        expect((await answer('GET', '/v1/runs', undefined, { authorization })).status).toBe(200);
        const { status, body } = await answer('POST', '/v1/executions', { definition: hello }, { authorization });
        expect([status, body.error]).toEqual([403, expect.stringContaining('workflow:execute')]);
      }
    });
  });

  it('serves its OpenAPI document, and its figures', async () => {
    const document = (await (await fetch(`${engine.url}/docs/openapi.json`)).json()) as {
      openapi: string;
      paths: object;
    };
    expect(document.openapi).toBe('3.1.0');
    expect(Object.keys(document.paths)).toEqual(expect.arrayContaining(['/v1/executions', '/v1/runs/{id}/events']));
    expect(await (await fetch(`${engine.url}/metrics`)).text()).toContain('process_cpu_seconds_total');
  });
});

async function readEvents(response: Response): Promise<HistoryEvent[]> {
  const text = await response.text();
  return text
    .split('\n')
    .flatMap((line) => (line.startsWith('data: ') ? [JSON.parse(line.slice(6)) as HistoryEvent] : []));
}
