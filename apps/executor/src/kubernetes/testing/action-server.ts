import { execFile, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { packageRoot } from '@ryax/platform';
import { waitFor } from '@ryax/testing';
import { entryNames, stepwiseHandlers, type Runtime, type Step } from './stepwise-handlers';

/** The interpreter itself: what stands for it on PATH may be a slow script. */
const findPython = spawnSync('python3', ['-c', 'import sys; print(sys.executable)'], { encoding: 'utf8' });
const python = findPython.status === 0 ? findPython.stdout.trim() : undefined;
/** Each suite for the server of both languages; what needs Python says by name that it did not run where there is none. */
export function describeBothServers(name: string, suite: (runtime: Runtime) => void): void {
  describe(`${name} (nodejs)`, () => suite('nodejs'));
  if (python !== undefined) describe(`${name} (python3)`, () => suite('python3'));
  else describe.skip(`${name} (skipped: python3 is missing)`, () => suite('python3'));
}

export interface ServedAttempt {
  readonly run_id: string;
  readonly execution: string;
  readonly attempt: number;
}

/** A line of the answer to /invoke. */
export interface AnswerLine {
  readonly log?: string;
  readonly offset?: number;
  readonly beat?: true;
  readonly outputs?: Readonly<Record<string, unknown>>;
  readonly cwd?: string;
  readonly failure?: Readonly<Record<string, unknown>>;
  readonly duration_ms?: number;
}

/** The answer to /invoke, line by line as they come. */
export class InvokeAnswer {
  readonly lines: AnswerLine[] = [];
  private readonly hangUp = new AbortController();
  private reading: Promise<void> = Promise.resolve();

  static async of(ask: (signal: AbortSignal) => Promise<Response>): Promise<InvokeAnswer> {
    const answer = new InvokeAnswer();
    const response = await ask(answer.hangUp.signal);
    if (response.status !== 200) throw new Error(`Expected 200, found ${response.status}: ${await response.text()}`);
    answer.reading = answer.read(response);
    answer.reading.catch(() => undefined); // whoever waits for its end gets to know
    return answer;
  }

  get log(): string {
    return this.lines.map(({ log }) => log ?? '').join('');
  }

  /** Where to go on after what has been read. */
  get offset(): number {
    return this.lines.findLast(({ offset }) => offset !== undefined)?.offset ?? 0;
  }

  async shows(text: string): Promise<void> {
    await waitFor(() => this.log.includes(text), { describe: () => `"${text}" in the log, which is "${this.log}"` });
  }

  /** The last line, once the answer is complete. */
  async result(): Promise<AnswerLine> {
    await this.reading;
    return this.lines.at(-1) ?? {};
  }

  disconnect(): void {
    this.hangUp.abort();
  }

  private async read(response: Response): Promise<void> {
    let rest = '';
    const decoder = new TextDecoder();
    for await (const chunk of response.body ?? []) {
      const pieces = (rest + decoder.decode(chunk as Uint8Array, { stream: true })).split('\n');
      rest = pieces.pop() ?? '';
      for (const piece of pieces) this.lines.push(JSON.parse(piece) as AnswerLine);
    }
    if (rest !== '') throw new Error(`Expected whole lines, found "${rest}" at the end`);
  }
}

export interface ServedAction {
  /** The stepwise handler unless it is given. */
  readonly code?: string;
  readonly env?: Readonly<Record<string, string>>;
}

const token = 'a token of the spec';

/** The server of an action's image as a process of this machine. */
export class ActionServer {
  private attempts = 0;
  output = '';

  private constructor(
    /** A folder of its own, with the action in `action`. */
    readonly folder: string,
    private readonly child: ChildProcess,
    private url: string,
  ) {}

  static async start(runtime: Runtime, { code = stepwiseHandlers[runtime], env = {} }: ServedAction = {}) {
    const folder = await mkdtemp(join(tmpdir(), 'ryax-action-server-'));
    const entry = join(folder, 'action', entryNames[runtime]);
    await mkdir(dirname(entry));
    await writeFile(entry, code);
    const server = new ActionServer(folder, spawnServer(runtime, folder, { ...tokenOf(), ...env }), '');
    server.child.stdout?.on('data', (bytes) => (server.output += String(bytes)));
    server.child.stderr?.on('data', (bytes) => (server.output += String(bytes)));
    const port = await waitFor(() => /"port": ?(\d+)/.exec(server.output)?.[1], { describe: () => server.output });
    server.url = `http://127.0.0.1:${port}`;
    return server;
  }

  get hasEnded(): boolean {
    return this.child.exitCode !== null;
  }

  /** SIGTERM; answers the exit status. */
  async stop(): Promise<number | null> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      const ended = once(this.child, 'exit');
      this.child.kill('SIGTERM');
      await ended;
    }
    return this.child.exitCode;
  }

  async close(): Promise<void> {
    await this.stop();
    await rm(this.folder, { recursive: true });
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  /** For what no proper client does. */
  connect(): Socket {
    const socket = connect(Number(new URL(this.url).port), '127.0.0.1');
    socket.on('error', () => undefined);
    return socket;
  }

  get tokenHeader(): string {
    return `authorization: Bearer ${token}`;
  }

  async shell(command: string): Promise<void> {
    await promisify(execFile)('sh', ['-c', command]);
  }

  /** Makes the file that a step waits for. */
  async release(path: string): Promise<void> {
    await writeFile(path, '');
  }

  nextAttempt(): ServedAttempt {
    return { run_id: 'run-1', execution: 'fit.3', attempt: ++this.attempts };
  }

  async ask(path: string, init: RequestInit & { readonly duplex?: 'half' } = {}) {
    const headers = { authorization: `Bearer ${token}`, ...(init.headers as Record<string, string> | undefined) };
    return fetch(`${this.url}${path}`, { ...init, headers });
  }

  async post(path: string, body: unknown, signal: AbortSignal | null = null): Promise<Response> {
    return this.ask(path, { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body), signal });
  }

  invoke(attempt: ServedAttempt, steps: readonly Step[], more: object = {}): Promise<InvokeAnswer> {
    return InvokeAnswer.of((signal) => this.post('/invoke', { attempt, inputs: { steps }, ...more }, signal));
  }

  /** Attaches to an attempt that has begun. */
  attach(attempt: ServedAttempt, logOffset: number): Promise<InvokeAnswer> {
    return InvokeAnswer.of((signal) => this.post('/invoke', { attempt, log_offset: logOffset }, signal));
  }

  /** Runs an attempt to its end. */
  async run(steps: readonly Step[], attempt = this.nextAttempt()) {
    const answer = await this.invoke(attempt, steps);
    return { ...(await answer.result()), log: answer.log };
  }

  async readiness(): Promise<{ readonly status: number; readonly body: Readonly<Record<string, unknown>> }> {
    const response = await this.ask('/ready', { headers: { authorization: '' } });
    return { status: response.status, body: (await response.json()) as Readonly<Record<string, unknown>> };
  }

  async becomes(state: 'ready' | 'loading' | 'failed'): Promise<void> {
    await waitFor(async () => (await this.readiness()).body['status'] === state, {
      describe: `a server that is ${state}`,
    });
  }
}

export function spawnServer(runtime: Runtime, folder: string, env: Readonly<Record<string, string>>): ChildProcess {
  const runtimes = join(packageRoot(__dirname), 'runtimes');
  const [command, script] =
    runtime === 'nodejs' ? [process.execPath, 'nodejs/server.cjs'] : [python ?? 'python3', 'python3/server.py'];
  const own = { RYAX_HOST: '127.0.0.1', RYAX_PORT: '0', RYAX_FILES_DIR: join(folder, 'files') };
  const inherited = { PATH: process.env['PATH'] ?? '', RYAX_ACTION_DIR: join(folder, 'action') };
  return spawn(command, [join(runtimes, script)], { env: { ...inherited, ...own, ...env } });
}

function tokenOf() {
  return { RYAX_TOKEN: token };
}
