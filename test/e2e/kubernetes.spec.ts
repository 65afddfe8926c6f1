import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LocalFileStore, packDirectory } from '@ryax/filestore';
import { freePort } from '@ryax/platform';
import {
  startKubernetes,
  useServices,
  useTestBroker,
  useTestDatabase,
  waitFor,
  type KubernetesServer,
  type KubernetesServerOptions,
  type ServiceProcess,
} from '@ryax/testing';
import { load } from 'js-yaml';
import { describeWithPython } from '../../apps/executor/src/process/testing/launcher-fixture';
import { filesImage, filesServer } from '../kubernetes/files-image';
import { Engine, expectSoundHistory, type HistoryEvent } from './engine';

const example = join(__dirname, '../../examples/pods/workflow.yaml');
const definition = load(readFileSync(example, 'utf8')) as object;

/** A stall of the machine is no death of the executor: whose that is says the spec. */
const patience = { RYAX_EXECUTOR_PATIENCE_MS: '10000' };

/** A test API server, and the files that lead an executor there. */
class Cluster {
  private readonly directory = mkdtempSync(join(tmpdir(), 'ryax-cluster-'));
  readonly env = {
    KUBECONFIG: join(this.directory, 'kubeconfig'),
    RYAX_SITE_CONFIG: join(this.directory, 'site.yaml'),
  };
  private started: KubernetesServer | undefined;

  /** @param images what runs in which @param fields of the site */
  async start(images: KubernetesServerOptions['images'] = {}, fields: object = {}): Promise<void> {
    this.started = await startKubernetes({
      namespaces: ['runs'],
      secondMs: 100,
      images: { ...filesServer, ...images },
    });
    writeFileSync(this.env.KUBECONFIG, this.started.kubeconfig('runs'));
    const nodePools = [{ name: 'nodes', cpu: 2, memory: '4G', nodes: 4, slots: 40 }];
    const site = {
      name: 'cluster-1',
      type: 'kubernetes',
      namespace: 'runs',
      nodePools,
      retention: '0s',
      filesImage,
      ...fields,
    };
    writeFileSync(this.env.RYAX_SITE_CONFIG, JSON.stringify(site));
  }

  get server(): KubernetesServer {
    if (this.started === undefined) throw new Error('Expected the cluster to be started');
    return this.started;
  }

  async pods(): Promise<readonly { readonly metadata: { readonly name: string }; readonly status: PodStatus }[]> {
    const response = await fetch(`${this.server.url}/api/v1/namespaces/runs/pods`, {
      headers: { authorization: `Bearer ${this.server.token}` },
    });
    return ((await response.json()) as { items: Awaited<ReturnType<Cluster['pods']>> }).items;
  }

  async noPodIsLeft(): Promise<void> {
    await waitFor(async () => (await this.pods()).length === 0, { timeoutMs: 30_000, describe: 'no pod to be left' });
  }

  async stop(): Promise<void> {
    await this.started?.stop();
    rmSync(this.directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
}

interface PodStatus {
  readonly phase: string;
}

interface Followed {
  readonly definition: object;
  readonly inputs: object;
  readonly logOf: string;
}

const shell = (script: string, outputs: readonly object[]) => ({
  image: 'busybox:1.36',
  command: ['/bin/sh', '-c', script],
  outputs,
});
/** Files by relative paths and in /tmp, a directory, a password beside them, and a path that is not there. */
const withFiles = {
  ...definition,
  spec: {
    id: 'files',
    trigger: { kind: 'manual', outputs: [{ name: 'password', type: 'password' }] },
    actions: [
      {
        id: 'write',
        container: shell(
          `mkdir -p rows/deep; for each in 1 2 3; do echo "row $each" | tee -a /tmp/rows.txt > "rows/deep/$each"; done
           echo '{"rows": "/tmp/rows.txt", "folder": "rows"}' > "$RYAX_OUTPUTS"`,
          [
            { name: 'rows', type: 'file' },
            { name: 'folder', type: 'directory' },
          ],
        ),
      },
      {
        id: 'sign',
        inputs: { rows: '=write.rows', password: '=trigger.password' },
        container: shell(
          `echo "signing $(basename "$rows") with $password"; { cat "$rows"; echo "$password"; } > signed.txt
           echo '{"signed": "signed.txt"}' > "$RYAX_OUTPUTS"`,
          [{ name: 'signed', type: 'file' }],
        ),
      },
      {
        id: 'count',
        inputs: { folder: '=write.folder', all: '=[write.rows]' },
        container: shell(
          `printf '{"lines": %d}' $(( $(cat "$folder"/deep/* | wc -l) + $(echo "$all" | wc -l) + $(ls "$folder/deep" | wc -l) - 1 )) > "$RYAX_OUTPUTS"`,
          [{ name: 'lines', type: 'integer' }],
        ),
      },
      {
        id: 'wrong',
        on_failure: 'continue',
        container: shell(`echo '{"none": "none"}' > "$RYAX_OUTPUTS"`, [{ name: 'none', type: 'file' }]),
      },
    ],
    results: { signed: '=sign.signed', folder: '=write.folder', lines: '=count.lines' },
  },
};

/** What a run came to, without what differs from one to the next. */
interface Course {
  readonly state: string;
  readonly results: unknown;
  readonly ends: readonly string[];
  readonly log: string;
}

describe('one workflow, as processes and as pods', () => {
  const services = useServices();
  const databases = [useTestDatabase(), useTestDatabase(), useTestDatabase(), useTestDatabase()] as const;
  const cluster = new Cluster();
  const folders: string[] = [];
  beforeAll(() => cluster.start(), 60_000);
  afterAll(async () => {
    await cluster.stop();
    for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }, 60_000);

  async function course(datastore: string, env: Readonly<Record<string, string>>, of: Followed): Promise<Course> {
    const directory = mkdtempSync(join(tmpdir(), 'ryax-drivers-'));
    folders.push(directory);
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const engine = await services.start({
      name: 'standalone',
      env: { RYAX_DATA_DIR: directory, RYAX_DATASTORE: datastore, RYAX_HTTP_PORT: String(port), ...env },
      readyUrl: `${url}/readyz`,
    });
    const run = await follow(url, engine, of);
    expect(await engine.stop()).toBe(0);
    return run;
  }

  it('comes to the same results, failures and logs', async () => {
    const [first, second] = databases;
    const followed = { definition, inputs: {}, logOf: 'measure.0' };
    const asProcesses = await course(first.url, {}, followed);
    const asPods = await course(second.url, cluster.env, followed);

    expect(asPods).toEqual(asProcesses);
    expect(asPods).toMatchObject({
      state: 'succeeded',
      results: { report: 'Earthquakes by region: 2 regions', means: [5.04, 5] },
      log: 'Chile: 5 earthquakes\n',
    });
    expect(asPods.ends).toContain('measure.2 failed crash 3');
    expect(cluster.server.requestCounts).toMatchObject({ 'create pods': 4 });
  }, 240_000);

  it('also with files, directories and passwords among the inputs, and files and directories among the outputs', async () => {
    const [, , first, second] = databases;
    cluster.server.resetRequestCounts();
    const followed = { definition: withFiles, inputs: { password: 'opensesame' }, logOf: 'sign' };
    const asProcesses = await course(first.url, {}, followed);
    const asPods = await course(second.url, cluster.env, followed);

    expect(asPods).toEqual(asProcesses);
    expect(asPods).toMatchObject({
      state: 'succeeded',
      results: {
        signed: { name: 'signed.txt', kind: 'file' },
        folder: { name: 'rows', kind: 'directory' },
        lines: 6,
      },
      log: 'signing rows.txt with ****\n',
    });
    expect(asPods.ends.filter((end) => end.includes('failed'))).toEqual(['wrong failed user undefined']);
    expect(cluster.server.requestCounts).toMatchObject({ 'create pods': 4, 'create secrets': 1 });
    await cluster.noPodIsLeft();
  }, 240_000);
});

describe('an executor that dies while its pods run', () => {
  const virtualHost = useTestBroker();
  const database = useTestDatabase();
  const cluster = new Cluster();
  const engine = new Engine({
    brokerUrl: () => virtualHost.url,
    datastoreUrl: () => database.url,
    env: { ...cluster.env, ...patience },
  });
  beforeAll(async () => {
    await cluster.start();
    await engine.startAll();
  }, 180_000);
  afterAll(() => cluster.stop(), 60_000);

  it('has a successor that adopts them: each ends in its first attempt, and no pod is left', async () => {
    const gate = join(mkdtempSync(join(tmpdir(), 'ryax-gate-')), 'open');
    // From the root, without its first slash: a pod with files has a /tmp of its own.
    const wait = `(cd / && until [ -e ${gate.slice(1)} ]; do sleep 0.1; done)`;
    const script = `echo begun $number; ${wait}; echo done; echo note $number > note; echo "{\\"twice\\": $((2 * number)), \\"note\\": \\"note\\"}" > "$RYAX_OUTPUTS"`;
    const container = {
      image: 'busybox:1.36',
      command: ['/bin/sh', '-c', script],
      outputs: [
        { name: 'twice', type: 'integer' },
        { name: 'note', type: 'file' },
      ],
    };
    const actions = [{ id: 'wait', for_each: [1, 2, 3], inputs: { number: '=item' }, container }];
    const results = { doubled: '=wait.map(w, w.twice)', names: '=wait.map(w, w.note.name)' };
    const runId = await engine.execute({ ...definition, spec: { id: 'gate', actions, results } });
    await engine.waitForEvents(runId, 'ExecutionStarted', 3);

    await engine.killAndRestart('executor');
    await engine.process('executor').waitForOutput(/(A pod was adopted.*){3}/s);
    writeFileSync(gate, '');
    expect(await engine.waitForEnd(runId)).toBe('succeeded');
    expect(await engine.results(runId)).toEqual({ doubled: [2, 4, 6], names: ['note', 'note', 'note'] });

    // What came before the death and what came after it, of which its successor has read all.
    const logOf = async (name: string) =>
      withoutNotes(await (await engine.request('GET', `/v1/runs/${runId}/executions/${name}/log`)).text());
    await waitFor(async () => (await logOf('wait.1')) === 'begun 2\ndone\n', {
      timeoutMs: 60_000,
      describe: 'the whole log',
    });

    const history = await engine.history(runId);
    expectSoundHistory(history);
    const attempts = history.flatMap(({ type, data }) => (type === 'ExecutionScheduled' ? [data['attempt']] : []));
    expect(attempts).toEqual([1, 1, 1]);
    expect(cluster.server.requestCounts).toMatchObject({ 'create pods': 3 });
    await cluster.noPodIsLeft();
    rmSync(join(gate, '..'), { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }, 240_000);
});

const handler = `
import os, time

def handle(inputs):
    print('begun %d' % inputs['number'], flush=True)
    while not os.path.exists(inputs['gate']):
        time.sleep(0.05)
    print('done')
    return {'twice': 2 * inputs['number']}
`;
const metadata = {
  apiVersion: 'ryax.tech/v2.0',
  kind: 'Processor',
  spec: {
    ...{ id: 'doubles', version: '1.0', human_name: 'Doubles', type: 'python3' },
    inputs: [
      { name: 'number', type: 'integer', human_name: 'Number', help: 'to be doubled' },
      { name: 'gate', type: 'string', human_name: 'Gate', help: 'a file to wait for' },
    ],
    outputs: [{ name: 'twice', type: 'integer', human_name: 'Twice', help: 'the double' }],
  },
};

describeWithPython('an executor that dies while handlers run in its warm pods', () => {
  const virtualHost = useTestBroker();
  const database = useTestDatabase();
  const cluster = new Cluster();
  const folder = mkdtempSync(join(tmpdir(), 'ryax-warm-'));
  const engine = new Engine({
    brokerUrl: () => virtualHost.url,
    datastoreUrl: () => database.url,
    env: { ...cluster.env, ...patience },
  });
  let hash = '';
  beforeAll(async () => {
    const action = join(folder, 'action');
    mkdirSync(action);
    writeFileSync(join(action, 'ryax_handler.py'), handler);
    writeFileSync(join(action, 'ryax_metadata.yaml'), JSON.stringify(metadata));
    ({ hash } = await packDirectory(await LocalFileStore.open(join(folder, 'files')), action));
    const command = ['python3', join(__dirname, '../../runtimes/python3/server.py')];
    const image = `registry.test/actions:${hash.replace('sha256:', '')}`;
    const images = { [image]: { command, env: { RYAX_ACTION_DIR: action } } };
    await cluster.start(images, { actionImages: 'registry.test/actions' });
    await engine.startAll();
    const archive = execFileSync('tar', ['-czf', '-', '-C', action, '.']);
    const type = { 'content-type': 'application/gzip' };
    expect(await engine.json('POST', '/v1/actions', archive, type)).toMatchObject({ content_hash: hash });
  }, 180_000);
  afterAll(async () => {
    await cluster.stop();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }, 60_000);

  it('has a successor that finds them there: each ends in its first attempt, and the next run has the same pods', async () => {
    const gate = join(folder, 'open');
    const actions = [{ id: 'twofold', for_each: [1, 2, 3], inputs: { number: '=item', gate }, action: hash }];
    const results = { doubled: '=twofold.map(t, t.twice)' };
    const doubling = { ...definition, spec: { id: 'doubling', actions, results } };
    const runId = await engine.execute(doubling);
    const logOf = async (name: string) =>
      withoutNotes(await (await engine.request('GET', `/v1/runs/${runId}/executions/${name}/log`)).text());
    for (const at of [0, 1, 2]) {
      await waitFor(async () => (await logOf(`twofold.${at}`)) === `begun ${at + 1}\n`, {
        timeoutMs: 60_000,
        describe: 'all to run',
      });
    }

    await engine.killAndRestart('executor');
    await engine.process('executor').waitForOutput(/(A pod was adopted.*){3}/s);
    writeFileSync(gate, '');
    expect(await engine.waitForEnd(runId)).toBe('succeeded');
    expect(await engine.results(runId)).toEqual({ doubled: [2, 4, 6] });
    await waitFor(async () => (await logOf('twofold.1')) === 'begun 2\ndone\n', {
      timeoutMs: 60_000,
      describe: 'the whole log',
    });

    const history = await engine.history(runId);
    expectSoundHistory(history);
    const attempts = history.flatMap(({ type, data }) => (type === 'ExecutionScheduled' ? [data['attempt']] : []));
    expect(attempts).toEqual([1, 1, 1]);

    expect(await engine.waitForEnd(await engine.execute(doubling))).toBe('succeeded');
    expect(cluster.server.requestCounts).toMatchObject({ 'create pods': 3 });
    expect(await cluster.pods()).toHaveLength(3);
  }, 240_000);
});

async function follow(url: string, engine: ServiceProcess, { definition, inputs, logOf }: Followed): Promise<Course> {
  const request = async (path: string, body?: object): Promise<Response> => {
    const post = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
    const response = await fetch(`${url}${path}`, body === undefined ? {} : post);
    if (!response.ok)
      throw new Error(`Expected ${path} to succeed, found ${response.status}: ${await response.text()}`);
    return response;
  };
  const json = async <T>(path: string, body?: object) => (await (await request(path, body)).json()) as T;
  const { run_id: runId } = await json<{ run_id: string }>('/v1/executions', { definition, inputs });
  const state = await waitFor(
    async () => {
      const { run } = await json<{ run: { state: string } }>(`/v1/runs/${runId}`);
      return ['succeeded', 'failed', 'cancelled'].includes(run.state) ? run.state : undefined;
    },
    { timeoutMs: 90_000, describe: () => `run ${runId} to end\n${engine.output.slice(-6_000)}` },
  );
  const { events } = await json<{ events: HistoryEvent[] }>(`/v1/runs/${runId}/history?limit=1000`);
  expectSoundHistory(events);
  return {
    state,
    results: (await json<{ results: unknown }>(`/v1/runs/${runId}/results`)).results,
    ends: events.flatMap(endOf).sort(),
    log: withoutNotes(await (await request(`/v1/runs/${runId}/executions/${logOf}/log`)).text()),
  };
}

/** Executors note what is particular to them. */
function withoutNotes(log: string): string {
  return log.replaceAll(/^\[ryax\].*\n/gm, '');
}

/** `measure.0 succeeded {…}`, `measure.2 failed crash 3`. */
function endOf({ type, data }: HistoryEvent): string[] {
  const name = String(data['execution']);
  if (type === 'ExecutionSucceeded') return [`${name} succeeded ${JSON.stringify(data['outputs'])}`];
  if (type !== 'ExecutionFailed') return [];
  const { kind, code } = data['failure'] as { readonly kind: string; readonly code?: number };
  return [`${name} failed ${kind} ${code}`];
}
