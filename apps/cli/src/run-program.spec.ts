import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { aRun } from './testing/answers';
import { json, startFakeEngine, type Route } from './testing/fake-engine';
import { ryax, ryaxAt } from './testing/ryax';

const definition = `apiVersion: ryax.tech/v2.0
kind: Workflow
spec:
  id: quakes
  trigger: { kind: manual, outputs: [{ name: data, type: file, default_value: data.csv }, { name: code, type: string }] }
  actions:
    - { id: a, action: ./clean }
    - { id: b, actions: [{ id: c, action: ./clean }] }
`;
const hash = `sha256:${'a'.repeat(64)}`;
const fileValue = { $file: `sha256:${'b'.repeat(64)}`, name: 'data.csv', size: 1, kind: 'file' };
const uploads: Record<string, Route> = {
  'POST /v1/actions': json({ action_id: 'clean', version: '1.0', content_hash: hash, warnings: [] }, 201),
  'POST /v1/files': json({ value: fileValue }, 201),
};
const started = json({ run_id: 'r1', workflow_id: 'quakes', workflow_version: 2 }, 202);

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ryax-cli-'));
  await mkdir(join(folder, 'clean'));
  await writeFile(join(folder, 'clean', 'ryax_handler.js'), 'module.exports = () => ({})');
  await writeFile(join(folder, 'workflow.yaml'), definition);
  await writeFile(join(folder, 'data.csv'), 'x');
});
afterEach(() => rm(folder, { recursive: true }));

describe('deploy', () => {
  it('uploads what the definition names, each folder once, and sends what stands for it', async () => {
    const routes = { ...uploads, 'POST /v1/workflows': json({ workflow_id: 'quakes', version: 2 }, 201) };

    const { status, out, asked } = await ryax(routes, 'deploy', folder);

    expect({ status, out }).toEqual({ status: 0, out: 'Deployed quakes, version 2\n' });
    expect(asked.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'POST /v1/actions?publish=false',
      'POST /v1/files?name=data.csv&kind=file',
      'POST /v1/workflows',
    ]);
    const { spec } = JSON.parse(asked[2]?.body ?? '');
    expect(spec.actions).toEqual([
      { id: 'a', action: hash },
      { id: 'b', actions: [{ id: 'c', action: hash }] },
    ]);
    expect(spec.trigger.outputs[0].default_value).toEqual(fileValue);
  });
});

describe('validate', () => {
  it('shows every fault at its place: what cannot be uploaded, and what the engine finds', async () => {
    await rm(join(folder, 'data.csv'));
    const faults = [{ path: 'spec.actions[0].inputs.x', reason: `${hash} has no input x` }];
    const routes = { ...uploads, 'POST /v1/workflows/validate': json({ error: 'Invalid', details: faults }, 400) };

    const { status, notes } = await ryax(routes, 'validate', folder);

    expect(status).toBe(2);
    expect(notes).toContain('spec.trigger.outputs[0].default_value: expected a file or folder');
    expect(notes).toContain('spec.actions[0].inputs.x: ./clean has no input x');
  });

  it('says where a file is that is no YAML', async () => {
    await writeFile(join(folder, 'workflow.yaml'), 'a: [');
    const { status, notes } = await ryax({}, 'validate', folder);
    expect(status).toBe(2);
    expect(notes).toContain('not well-formed');
  });
});

describe('run', () => {
  it('gives inputs their declared types, labels and the key', async () => {
    const routes = { ...uploads, 'POST /v1/executions': started };
    const file = join(folder, 'data.csv');
    const args = ['--input', `data=@${file}`, '--input', 'code=007', '--label', 'team=geo', '--key', 'k1'];

    const { status, asked } = await ryax(routes, 'run', folder, ...args);

    expect(status).toBe(0);
    const sent = asked.at(-1);
    expect(sent?.headers['idempotency-key']).toBe('k1');
    expect(JSON.parse(sent?.body ?? '')).toMatchObject({
      inputs: { data: fileValue, code: '007' },
      labels: { team: 'geo' },
    });
  });

  it('repeats a start whose answer was lost, under the same key', async () => {
    let calls = 0;
    const routes = {
      'GET /v1/workflows/quakes': json({ workflow_id: 'quakes', version: 2, definition: {} }),
      'POST /v1/workflows/quakes/runs': ((asked, response) => {
        if (calls++ === 0) response.destroy();
        else started(asked, response);
      }) satisfies Route,
    };

    const { status, asked } = await ryax(routes, 'run', 'quakes');

    expect(status).toBe(0);
    const keys = asked.filter(({ method }) => method === 'POST').map(({ headers }) => headers['idempotency-key']);
    expect(keys).toHaveLength(2);
    expect(new Set(keys).size).toBe(1);
  });

  it('wants @path for a file', async () => {
    const { status, notes } = await ryax(uploads, 'run', folder, '--input', 'data=x.csv');
    expect(status).toBe(2);
    expect(notes).toContain('expected --input data=@path');
  });
});

describe('watch', () => {
  const event = (version: number, type: string) =>
    `id: ${version}\nevent: ${type}\ndata: ${JSON.stringify({ version, type, recorded_at: '', data: {}, cause: null })}\n\n`;

  it.each([
    ['RunSucceeded', 'succeeded', 0],
    ['RunFailed', 'failed', 1],
    ['RunCancelled', 'cancelled', 1],
  ])('ends with the run: %s', async (type, state, expected) => {
    const routes: Record<string, Route> = {
      'GET /v1/runs/r1/events': (_asked, response) => void response.end(event(1, 'RunStarted') + event(2, type)),
      'GET /v1/runs/r1': json({ run: aRun({ state }) }),
    };
    expect((await ryax(routes, 'watch', 'r1')).status).toBe(expected);
  });

  it('comes back after a lost connection, to the event after the last one that it saw', async () => {
    const seen: unknown[] = [];
    const routes: Record<string, Route> = {
      'GET /v1/runs/r1/events': ({ headers }, response) => {
        seen.push(headers['last-event-id']);
        if (seen.length === 1) response.write(event(1, 'RunStarted'), () => response.destroy());
        else response.end(event(2, 'RunSucceeded'));
      },
      'GET /v1/runs/r1': json({ run: aRun({ state: 'succeeded' }) }),
    };

    const { status, notes } = await ryax(routes, 'watch', 'r1');

    expect(status).toBe(0);
    expect(seen).toEqual(['0', '1']);
    expect(notes).toContain('trying again');
  });
});

describe('what goes wrong', () => {
  it('ends with 3 when nobody listens, and says what to do', async () => {
    const gone = await startFakeEngine({});
    await gone.stop();
    const { status, notes } = await ryaxAt(gone.url, 'runs');
    expect(status).toBe(3);
    expect(notes).toContain('npm start');
  });

  it('ends with 3 when something else than an engine answers', async () => {
    const { status, notes } = await ryax({ 'GET /v1/runs': json({ hello: 'world' }) }, 'runs');
    expect(status).toBe(3);
    expect(notes).toContain('RYAX_URL');
  });

  it('names the token when the engine wants one', async () => {
    const refused = json({ error: 'Expected a token in the Authorization header, found none', details: [] }, 401);
    const { status, notes } = await ryax({ 'GET /v1/runs': refused }, 'runs');
    expect(status).toBe(2);
    expect(notes).toContain('RYAX_TOKEN');
  });

  it.each([
    [['bogus']],
    [['show']],
    [['runs', '--limit', 'many']],
    [['run', '/no/such/file.yaml']],
    [['run', 'q', '--watch', '--json']],
    [['run', 'q', '--batch', 'runs.jsonl', '--input', 'a=1']],
    [['run', 'q', '--batch', 'runs.jsonl', '--watch']],
    [['run', 'q', '--batch', '/no/such/file.jsonl']],
  ])('ends with 2 for %j', async (args) => {
    expect((await ryax({}, ...args)).status).toBe(2);
  });

  it('ends with 0 for help', async () => {
    const { status, out } = await ryax({}, '--help');
    expect(status).toBe(0);
    expect(out).toContain('Exit status');
  });
});
