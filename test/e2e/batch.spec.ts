import { useTestBroker, useTestDatabase, waitFor } from '@ryax/testing';
import { Engine } from './engine';

const hello = {
  apiVersion: 'ryax.tech/v2.0',
  kind: 'Workflow',
  spec: {
    id: 'hello',
    trigger: {
      kind: 'manual',
      outputs: [
        { name: 'name', type: 'string', default_value: 'world' },
        { name: 'token', type: 'password', optional: true },
        { name: 'rows', type: 'json', optional: true },
      ],
    },
    actions: [{ id: 'greet', action: 'core/noop', inputs: { text: "='hello ' + trigger.name" } }],
    results: { text: '=greet.text' },
  },
};
const path = '/v1/workflows/hello/runs/batch';

interface Item {
  readonly status: number;
  readonly run_id?: string;
  readonly workflow_version?: number;
  readonly state?: string;
  readonly error?: string;
  readonly details?: readonly { readonly path: string; readonly reason: string }[];
}

interface Answer {
  readonly status: number;
  readonly error?: string;
  readonly details?: readonly { readonly path: string; readonly reason: string }[];
  readonly items: readonly Item[];
}

describe('a batch of runs', () => {
  const broker = useTestBroker();
  const database = useTestDatabase();
  const engine = new Engine({ brokerUrl: () => broker.url, datastoreUrl: () => database.url });
  beforeAll(async () => {
    await engine.startAll();
    await engine.json('POST', '/v1/workflows', hello);
  }, 120_000);

  async function send(body: unknown, key?: string, to = path): Promise<Answer> {
    const response = await engine.request('POST', to, body, key === undefined ? {} : { 'idempotency-key': key });
    return { ...((await response.json()) as Answer), status: response.status };
  }

  /** Starts alone what a batch would start. */
  async function sendAlone(body: object, key: string): Promise<string> {
    const headers = { 'idempotency-key': key };
    return (await engine.json<{ run_id: string }>('POST', '/v1/workflows/hello/runs', body, headers)).run_id;
  }

  const idsOf = ({ items }: Answer) => items.map((item) => item.run_id);
  const statusesOf = ({ items }: Answer) => items.map((item) => item.status);

  /** How many runs with a label there are in each state, as the list sees them. */
  async function statesOf(label: string): Promise<Record<string, number>> {
    const { items } = await engine.json<{ items: { state: string }[] }>(
      'GET',
      `/v1/runs?limit=1000&label=batch=${label}`,
    );
    const counts: Record<string, number> = {};
    for (const { state } of items) counts[state] = (counts[state] ?? 0) + 1;
    return counts;
  }

  describe('with good and bad items', () => {
    it('answers each in its place, the good ones accepted, the bad ones as if each had been asked for alone', async () => {
      const manyLabels = Object.fromEntries(Array.from({ length: 65 }, (_label, index) => [`l${index}`, 'x']));
      const answer = await send({
        runs: [
          { inputs: { name: 'ada' }, labels: { team: 'geo' } },
          { inputs: { nmae: 'x', name: 7 } },
          { inputs: [] },
          { input: {} },
          { labels: manyLabels },
          { idempotency_key: 'k'.repeat(257) },
          { inputs: { token: 7 } },
          'no run at all',
          {},
        ],
      });

      expect(answer.status).toBe(207);
      expect(statusesOf(answer)).toEqual([202, 400, 400, 400, 400, 400, 400, 400, 202]);
      const [first] = answer.items;
      expect(first).toEqual({
        status: 202,
        run_id: expect.any(String),
        workflow_id: 'hello',
        workflow_version: 1,
        state: 'running',
      });
      const places = answer.items.map(({ details = [] }) => details.map((detail) => detail.path).sort());
      expect(places).toEqual([
        [],
        ['runs[1].inputs.name', 'runs[1].inputs.nmae'],
        ['runs[2].inputs'],
        ['runs[3]'],
        ['runs[4].labels'],
        ['runs[5].idempotency_key'],
        ['runs[6].inputs.token'],
        ['runs[7]'],
        [],
      ]);
      expect(await engine.waitForEnd(first?.run_id ?? '')).toBe('succeeded');
      expect(await engine.results(first?.run_id ?? '')).toEqual({ text: 'hello ada' });
    });

    it('keeps passwords secret and carries what is too large for a message', async () => {
      const password = 'correct horse battery staple';
      const rows = 'x'.repeat(100_000);
      const { items } = await send({ runs: [{ inputs: { token: password } }, { inputs: { rows } }] });

      const [withPassword = '', withRows = ''] = items.map((item) => item.run_id);
      expect(await engine.waitForEnd(withPassword)).toBe('succeeded');
      expect(await engine.waitForEnd(withRows)).toBe('succeeded');
      const events = await database.query<{ data: string }>('SELECT data FROM events');
      expect(events.filter(({ data }) => data.includes(password) || data.includes(rows))).toEqual([]);
    });
  });

  describe('asked for again', () => {
    it('gives the same runs under its key, and starts nothing twice', async () => {
      const runs = [{ inputs: { name: 'a' } }, { inputs: { name: 'b' } }, { inputs: { name: 'b' } }];
      const first = await send({ runs }, 'nightly');
      const again = await send({ runs }, 'nightly');

      expect(new Set(idsOf(first)).size).toBe(3);
      expect(idsOf(again)).toEqual(idsOf(first));
    });

    it('gives the run that each item alone would have been given under its key', async () => {
      const { items } = await send(
        { runs: [{ inputs: { name: 'a' }, labels: { x: '1' }, idempotency_key: 'own' }, { inputs: { name: 'c' } }] },
        'shared',
      );
      expect(items[0]?.run_id).toBe(await sendAlone({ inputs: { name: 'a' }, labels: { x: '1' } }, 'own'));
      expect(items[1]?.run_id).toBe(await sendAlone({ inputs: { name: 'c' } }, 'shared:1'));
    });

    it('starts another run for each item that has no key', async () => {
      const [first, again] = [await send({ runs: [{}, {}] }), await send({ runs: [{}, {}] })];
      expect(new Set([...idsOf(first), ...idsOf(again)]).size).toBe(4);
    });

    it('refuses the items that have changed under their key, and only those', async () => {
      await send({ runs: [{ inputs: { name: 'a' } }, { inputs: { name: 'b' } }] }, 'changed');
      const answer = await send({ runs: [{ inputs: { name: 'a' } }, { inputs: { name: 'c' } }] }, 'changed');
      expect(statusesOf(answer)).toEqual([202, 409]);
    });

    it('starts what was refused, once it has been corrected, beside what had been accepted', async () => {
      const first = await send({ runs: [{ inputs: { name: 'a' } }, { inputs: { nmae: 'b' } }] }, 'corrected');
      const second = await send({ runs: [{ inputs: { name: 'a' } }, { inputs: { name: 'b' } }] }, 'corrected');
      expect([statusesOf(first), statusesOf(second)]).toEqual([
        [202, 400],
        [202, 202],
      ]);
      expect(second.items[0]?.run_id).toBe(first.items[0]?.run_id);
    });
  });

  it('has one run for items that are the same under one key, and a conflict for another', async () => {
    const same = { inputs: { name: 'twin' }, idempotency_key: 'twins' };
    const answer = await send({ runs: [same, same, { idempotency_key: 'single' }] });
    expect(statusesOf(answer)).toEqual([202, 202, 202]);
    expect(new Set(idsOf(answer)).size).toBe(2);

    const other = { inputs: { name: 'other' }, idempotency_key: 'twins' };
    expect(statusesOf(await send({ runs: [same, other] }))).toEqual([202, 409]);
  });

  it('of 1,000 starts them all, each once, and all end', async () => {
    const runs = Array.from({ length: 1_000 }, (_run, index) => ({
      inputs: { name: `n${index}` },
      labels: { batch: 'thousand' },
    }));
    const answer = await send({ runs }, 'thousand');

    expect(answer.items.filter((item) => item.status !== 202)).toEqual([]);
    expect(new Set(idsOf(answer)).size).toBe(1_000);
    let states: Record<string, number> = {};
    await waitFor(async () => (states = await statesOf('thousand'))['succeeded'] === 1_000, {
      timeoutMs: 120_000,
      describe: () => `1,000 runs to succeed, found ${JSON.stringify(states)}`,
    });
    expect(await engine.results(answer.items[500]?.run_id ?? '')).toEqual({ text: 'hello n500' });
  }, 150_000);

  describe('is refused as a whole', () => {
    it.each([
      ['of an unknown workflow', '/v1/workflows/nobody/runs/batch', { runs: [{}] }, 404, ''],
      ['without runs', path, {}, 400, 'runs'],
      ['of no runs', path, { runs: [] }, 400, 'runs'],
      ['with a field that it does not take', path, { runs: [{}], labels: {} }, 400, ''],
      ['that is a list', path, [{}], 400, ''],
    ])('%s', async (_name, to, body, status, place) => {
      const { status: found, error, details } = await send(body, undefined, to);
      expect([found, typeof error]).toEqual([status, 'string']);
      expect(details?.map((detail) => detail.path)).toEqual(status === 404 ? [] : [place]);
    });

    it('of a workflow that is not deployed', async () => {
      await engine.json('POST', '/v1/workflows', { ...hello, spec: { ...hello.spec, id: 'gone' } });
      await engine.request('DELETE', '/v1/workflows/gone');
      expect((await send({ runs: [{}] }, undefined, '/v1/workflows/gone/runs/batch')).status).toBe(409);
    });

    it('of more runs than it may have, and names the limit', async () => {
      const { status, details } = await send({ runs: Array.from({ length: 1_001 }, () => ({})) });
      expect(status).toBe(400);
      expect(details).toEqual([{ path: 'runs', reason: 'expected at most 1000 runs (runsPerBatch)' }]);
    });

    it('of more bytes than a body may have, and names the limit', async () => {
      const { status, error } = await send({ runs: [{ inputs: { name: 'x'.repeat(17 * 1024 * 1024) } }] });
      expect([status, error]).toEqual([413, 'A body may have 16777216 bytes (bodyBytes), found more']);
    });

    it.each([
      ['empty', '', 400],
      ['too long to be made each item’s', 'k'.repeat(253), 400],
      ['as long as it may be', 'k'.repeat(252), 207],
    ])('or not, under a key that is %s', async (_name, key, status) => {
      const answer = await send({ runs: [{}] }, key);
      expect(answer.status).toBe(status);
      if (status === 400) expect(answer.details?.[0]?.path).toBe('Idempotency-Key');
    });

    it('without the scope that starting a run needs', async () => {
      const authorization = await engine.tokenFor('workflow:read');
      expect((await engine.request('POST', path, { runs: [{}] }, { authorization })).status).toBe(403);
    });
  });

  it('is described by the OpenAPI document, item by item', async () => {
    const document = (await (await fetch(`${engine.url}/docs/openapi.json`)).json()) as {
      paths: Record<string, { post: { requestBody: unknown; responses: Record<string, unknown> } }>;
    };
    const { requestBody, responses } = document.paths['/v1/workflows/{id}/runs/batch']?.post ?? {};
    expect(JSON.stringify(requestBody)).toContain('"idempotency_key"');
    expect(JSON.stringify(responses?.['207'])).toContain('"workflow_version"');
  });
});
