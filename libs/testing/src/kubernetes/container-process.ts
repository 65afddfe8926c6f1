import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { ContainerLog, readLines } from './container-log';
import { timestamp } from './objects';
import type { Reaper } from './reaper';

export interface ContainerPlan {
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
}

/** The command could not be started: there is no such file, or it may not be run. */
export class StartError extends Error {
  constructor(program: string, cause: Error) {
    const why = /EACCES/.test(cause.message) ? 'permission denied' : 'no such file or directory';
    const what = program.includes('/') ? `stat ${program}: ${why}` : 'executable file not found in $PATH';
    super(
      `failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: exec: "${program}": ${what}`,
      { cause },
    );
    this.name = 'StartError';
  }
}

/** A container that is a process of this machine, with a process group of its own. */
export class ContainerProcess {
  readonly id = `containerd://${randomBytes(32).toString('hex')}`;
  readonly log = new ContainerLog();
  readonly startedAt = timestamp();
  /** Its exit code, once it has ended and all that it wrote has been read. */
  readonly ended: Promise<number>;

  /** Rejects with StartError. */
  static async start({ command, env, cwd }: ContainerPlan, reaper: Reaper): Promise<ContainerProcess> {
    const [program = '', ...args] = command;
    const { PATH = '' } = process.env;
    const child = spawn(program, args, {
      cwd,
      env: { PATH, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    try {
      await once(child, 'spawn');
    } catch (error) {
      throw new StartError(program, error as Error);
    }
    return new ContainerProcess(child, child.pid ?? 0, reaper);
  }

  private constructor(
    private readonly child: ChildProcess,
    readonly pid: number,
    reaper: Reaper,
  ) {
    reaper.add(pid);
    for (const stream of [child.stdout, child.stderr]) {
      if (stream) readLines(stream, (line) => this.log.append(line));
    }
    // A container ends with its first process: what that has started goes too, and lets go of the streams.
    child.once('exit', () => this.signalGroup('SIGKILL'));
    this.ended = new Promise((resolve) => {
      child.once('close', (code, signal) => {
        reaper.forget(pid);
        this.log.end();
        resolve(code ?? 128 + constants.signals[signal ?? 'SIGKILL']);
      });
    });
  }

  get isRunning(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** The first process of a container only gets signals that it has a handler for. */
  terminate(): void {
    if (this.isRunning && handlesTerm(this.pid)) this.child.kill('SIGTERM');
  }

  kill(): void {
    if (this.isRunning) this.signalGroup('SIGKILL');
  }

  private signalGroup(signal: NodeJS.Signals): void {
    try {
      process.kill(-this.pid, signal);
    } catch {
      // Nobody of the group is left.
    }
  }
}

const termBit = 1n << BigInt(constants.signals.SIGTERM - 1);

/** Read from /proc; elsewhere every process is taken to handle it. */
function handlesTerm(pid: number): boolean {
  if (process.platform !== 'linux') return true;
  try {
    const caught = /^SigCgt:\s*([0-9a-f]+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return caught === undefined || (BigInt(`0x${caught}`) & termBit) !== 0n;
  } catch {
    return true;
  }
}
