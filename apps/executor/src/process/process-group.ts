import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { Duplex } from 'node:stream';
import { isolate, type Isolation } from './isolation';
import { closeWriteEnds, openOutputPipes, type OutputPipe } from './output-pipe';
import { processIdentity } from './process-identity';
import type { Room } from './room';
import { signalGroup } from './scratch';

/** How the first process of a group ended. A shell reports a signal as 128 and its number; so do we. */
export type Exit =
  | { readonly status: 'exited'; readonly code: number }
  /** It could not even be started. */
  | { readonly status: 'not-started'; readonly reason: string };

export interface GroupSpec {
  readonly command: readonly string[];
  readonly workingDirectory: string;
  readonly env: Readonly<Record<string, string>>;
  /** The protocol's descriptors 3 to 6, for workers. */
  readonly descriptors: 'output-only' | 'with-protocol';
}

export interface GroupContext {
  readonly isolation: Isolation;
  readonly room: Room;
  /** Where groups are written down that a successor of ours may have to end. */
  readonly processes: string;
  /** Between SIGTERM and SIGKILL. */
  readonly graceMs: number;
}

/** What still holds the pipes open after the group was killed (a process that has left it) is not waited for any longer. */
const lingerMs = 1_000;

/** A process and its descendants: started together, ended together. */
export class ProcessGroup {
  /** Resolves, and never rejects, when its first process has ended and the others have been killed. */
  readonly exited: Promise<Exit>;
  private exit: Exit | undefined;
  private killTimer: NodeJS.Timeout | undefined;

  private constructor(
    private readonly child: ChildProcess,
    readonly outputs: readonly [OutputPipe, OutputPipe],
    private readonly context: GroupContext,
  ) {
    this.exited = this.watch();
  }

  static async start(spec: GroupSpec, context: GroupContext): Promise<ProcessGroup> {
    const [out, err] = await openOutputPipes(context.room.directory);
    const { workingDirectory, env, descriptors } = spec;
    const { tmp, visible } = context.room;
    const [file = '', ...args] = isolate(context.isolation, { workingDirectory, tmp, visible }, spec.command);
    const log = [out.writeEnd, err.writeEnd];
    const stdio: StdioOptions = [
      'ignore',
      ...log,
      ...(descriptors === 'with-protocol' ? ['pipe' as const, 'pipe' as const, ...log] : []),
    ];
    try {
      const child = spawn(file, args, { cwd: workingDirectory, env, stdio, detached: true });
      offerToOomKiller(child.pid);
      return new ProcessGroup(child, [out.pipe, err.pipe], context);
    } finally {
      closeWriteEnds([out, err]);
    }
  }

  /** Undefined when it could not be started. */
  get pid(): number | undefined {
    return this.child.pid;
  }

  get hasExited(): boolean {
    return this.exit !== undefined;
  }

  /** One of the protocol's descriptors. */
  channel(descriptor: 3 | 4): Duplex {
    const stream = this.child.stdio[descriptor];
    if (!(stream instanceof Duplex)) throw new Error(`Expected a channel on descriptor ${descriptor}`);
    return stream;
  }

  /** Asks the group to end, and sees to it that it does. Idempotent. */
  terminate(): void {
    if (this.hasExited || this.killTimer !== undefined) return;
    this.signal('SIGTERM');
    this.killTimer = setTimeout(() => this.signal('SIGKILL'), this.context.graceMs);
  }

  kill(): void {
    if (!this.hasExited) this.signal('SIGKILL');
  }

  private async watch(): Promise<Exit> {
    const forget = this.remember();
    this.exit = await this.firstExit();
    clearTimeout(this.killTimer);
    // A process namespace is gone with its first process; a mere group may have outlived it.
    if (this.context.isolation.level !== 'private') this.signal('SIGKILL');
    forget();
    return this.exit;
  }

  private firstExit(): Promise<Exit> {
    return new Promise((resolve) => {
      this.child.once('error', (error) => {
        for (const pipe of this.outputs) pipe.destroy();
        resolve({ status: 'not-started', reason: error.message });
      });
      this.child.once('exit', (code, signal) => {
        for (const pipe of this.outputs) pipe.endWithin(lingerMs);
        resolve({ status: 'exited', code: code ?? 128 + constants.signals[signal ?? 'SIGKILL'] });
      });
    });
  }

  /** Writes the group down unless the kernel itself ends it with us. */
  private remember(): () => void {
    const identity = this.pid === undefined ? undefined : processIdentity(this.pid);
    if (this.context.isolation.level === 'private' || identity === undefined) return () => undefined;
    const path = join(this.context.processes, identity);
    writeFileSync(path, '');
    return () => rmSync(path, { force: true });
  }

  private signal(signal: NodeJS.Signals): void {
    if (this.pid !== undefined) signalGroup(this.pid, signal);
  }
}

/** When the machine runs out of memory, work goes first and the engine last. Inherited; not allowed everywhere. */
function offerToOomKiller(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    writeFileSync(`/proc/${pid}/oom_score_adj`, '500');
  } catch {
    // The kernel then chooses by size alone.
  }
}

/** `137` as people know it: `exited with status 137 (SIGKILL)`. */
export function describeExit(exit: Exit): string {
  if (exit.status === 'not-started') return `could not be started: ${exit.reason}`;
  const signal = Object.entries(constants.signals).find(([, number]) => number + 128 === exit.code)?.[0];
  return `exited with status ${exit.code}${signal === undefined ? '' : ` (${signal})`}`;
}
