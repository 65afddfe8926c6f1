import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { IoDeclaration, JsonObject, Outcome } from '@ryax/contracts';
import { LocalFileStore, openSecrets, packDirectory, type Secrets } from '@ryax/filestore';
import { Clock, Log } from '@ryax/platform';
import { waitFor } from '@ryax/testing';
import type { Launch, LogSink } from '../../launcher';
import { isolate, isolationCandidates, type Isolation } from '../isolation';
import { ProcessLauncher, type ProcessLauncherOptions } from '../process-launcher';

/** Suites that need Python say by name that they did not run where there is none. */
const hasPython = spawnSync('python3', ['--version']).status === 0;
export const describeWithPython = (name: string, suite: () => void) =>
  hasPython ? describe(name, suite) : describe.skip(`${name} (skipped: python3 is missing)`, suite);

/** Whether this machine lets us isolate in this way. */
export function isAllowed(isolation: Isolation): boolean {
  const [file = '', ...args] = isolate(isolation, { workingDirectory: '/', tmp: '/', visible: [] }, ['true']);
  return spawnSync(file, args).status === 0;
}

const hasPrivateTmp = isolationCandidates.some((candidate) => candidate.level !== 'shared' && isAllowed(candidate));
export const describeWithPrivateTmp = (name: string, suite: () => void) =>
  hasPrivateTmp ? describe(name, suite) : describe.skip(`${name} (skipped: no private /tmp is allowed here)`, suite);

export type Declarations = Record<string, IoDeclaration['type'] | Omit<IoDeclaration, 'name'>>;

export interface ActionSource {
  readonly type: 'nodejs' | 'python3';
  readonly code: string;
  readonly inputs?: Declarations;
  readonly outputs?: Declarations;
  /** Further files of the folder, by path. */
  readonly files?: Record<string, string>;
}

export type LaunchOptions = Partial<Pick<Launch, 'resources' | 'timeoutMs' | 'execution' | 'attempt'>>;

/** Keeps what an attempt writes; with `pause` it plays a reader that is behind. */
export class RecordedLog implements LogSink {
  private readonly chunks: Buffer[] = [];
  private resume: (() => void) | undefined;
  bytes = 0;

  constructor(private pauseAfterBytes = Infinity) {}

  get text(): string {
    return Buffer.concat(this.chunks).toString('utf8');
  }

  /** Without what the launcher itself has noted. */
  get lines(): string[] {
    return this.text.split('\n').filter((line) => line !== '' && !line.startsWith('[ryax]'));
  }

  write(bytes: Buffer): boolean {
    this.chunks.push(bytes);
    this.bytes += bytes.length;
    return this.bytes < this.pauseAfterBytes;
  }

  drained(): Promise<void> {
    return new Promise((resolve) => (this.resume = resolve));
  }

  /** The reader has caught up, for good. */
  catchUp(): void {
    this.pauseAfterBytes = Infinity;
    this.resume?.();
  }

  async shows(text: string): Promise<void> {
    await waitFor(() => this.text.includes(text), { describe: () => `"${text}" in the log, which is "${this.text}"` });
  }
}

export interface Ran {
  readonly outcome: Outcome;
  readonly durationMs: number;
  readonly log: RecordedLog;
}

/** A real launcher with a real filestore in a folder of its own. */
export class LauncherFixture {
  private actions = 0;

  private constructor(
    readonly directory: string,
    readonly files: LocalFileStore,
    readonly secrets: Secrets,
    readonly launcher: ProcessLauncher,
  ) {}

  static async open(options: Partial<ProcessLauncherOptions> = {}): Promise<LauncherFixture> {
    const directory = await mkdtemp(join(tmpdir(), 'ryax-launcher-'));
    const files = await LocalFileStore.open(join(directory, 'files'));
    const secrets = await openSecrets(files, { directory, encryptionKey: 'correct horse battery staple' });
    const log = new Log({ service: 'test', level: 'error' });
    const env = { PATH: process.env['PATH'] ?? '' };
    const settings = {
      directory: join(directory, 'executor'),
      files,
      secrets,
      log,
      clock: new Clock(),
      env,
      ...options,
    };
    return new LauncherFixture(directory, files, secrets, await ProcessLauncher.open(settings));
  }

  async close(): Promise<void> {
    await this.launcher.close();
    await rm(this.directory, { recursive: true });
  }

  /** Stores an action and gives back the hash of its content. */
  async action({ type, code, inputs = {}, outputs = {}, files = {} }: ActionSource): Promise<string> {
    const folder = join(this.directory, `action-${++this.actions}`);
    const entry = type === 'nodejs' ? 'ryax_handler.js' : 'ryax_handler.py';
    const spec = { id: 'test', version: '1.0', type, inputs: declarations(inputs), outputs: declarations(outputs) };
    // JSON is YAML, too.
    const metadata = JSON.stringify({ apiVersion: 'ryax.tech/v2.0', kind: 'Processor', spec });
    const all = { ...files, [entry]: code, 'ryax_metadata.yaml': metadata };
    for (const [name, content] of Object.entries(all)) {
      await mkdir(dirname(join(folder, name)), { recursive: true });
      await writeFile(join(folder, name), content);
    }
    return (await packDirectory(this.files, folder)).hash;
  }

  start(
    action: string | Launch['action'],
    inputs: JsonObject = {},
    options: LaunchOptions = {},
    log = new RecordedLog(),
  ) {
    const toRun = typeof action === 'string' ? ({ type: 'handler', content_hash: action } as const) : action;
    const ids = { project: 'default', runId: 'run-1', workflowId: 'quakes', execution: 'fit', attempt: 1 };
    const origin = { replyPartition: 0, since: null };
    const attempt = { ...ids, action: toRun, inputs, resources: {}, timeoutMs: null, origin, ...options };
    const running = this.launcher.launch(attempt, log);
    return { running, log };
  }

  async run(action: string | Launch['action'], inputs: JsonObject = {}, options: LaunchOptions = {}): Promise<Ran> {
    const { running, log } = this.start(action, inputs, options);
    return { ...(await running.ended), log };
  }

  /** Runs an action and gives back its outputs; anything else is an error that shows the log. */
  async outputsOf(
    action: string | Launch['action'],
    inputs: JsonObject = {},
    options: LaunchOptions = {},
  ): Promise<JsonObject> {
    const { outcome, log } = await this.run(action, inputs, options);
    if (outcome.status === 'succeeded') return outcome.outputs;
    throw new Error(`Expected success, found ${JSON.stringify(outcome)}; log: ${log.text}`);
  }

  /** Runs an action that has to fail and gives back why. */
  async failureOf(action: string | Launch['action'], inputs: JsonObject = {}, options: LaunchOptions = {}) {
    const { outcome, log } = await this.run(action, inputs, options);
    if (outcome.status === 'failed') return outcome.failure;
    throw new Error(`Expected a failure, found ${JSON.stringify(outcome)}; log: ${log.text}`);
  }
}

/** A shell script as a container's command. */
export function script(text: string, outputs: Declarations = {}): Extract<Launch['action'], { type: 'container' }> {
  return {
    type: 'container',
    image: 'alpine:3.20',
    command: ['sh', '-c', text],
    env: {},
    outputs: declarations(outputs),
  };
}

function declarations(declared: Declarations): JsonObject[] {
  return Object.entries(declared).map(
    ([name, type]) => (typeof type === 'string' ? { name, type } : { name, ...type }) as JsonObject,
  );
}
