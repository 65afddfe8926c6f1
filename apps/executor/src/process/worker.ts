import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import type { Duplex } from 'node:stream';
import { limits } from '@ryax/contracts';
import type { LogSink } from '../launcher';
import type { ActionMetadata } from './action-metadata';
import type { Environment } from './environment';
import { readLines } from './lines';
import { ProcessGroup, type Exit, type GroupContext } from './process-group';
import type { Room } from './room';
import { decodeReply, encodeCommand, type HandedOver, type WorkerAnswer, type WorkerReply } from './worker-protocol';

/** How a call ended. */
export type CallEnd =
  | { readonly type: 'answered'; readonly answer: WorkerAnswer }
  | { readonly type: 'exited'; readonly exit: Exit }
  | { readonly type: 'too-large' }
  /** It had died of an earlier call's leftovers before this one reached the handler: nothing has happened. */
  | { readonly type: 'not-begun' };

/** Sinks for the two pipes; complete when the call's end resolves. */
export interface CallOutputs {
  readonly stdout: LogSink;
  readonly stderr: LogSink;
}

/** How long a dead worker's channel may stay open, by processes that it has left behind. */
const lingerMs = 1_000;

interface Call {
  readonly number: number;
  readonly settle: (end: CallEnd) => void;
}

/** A warm process with the handler of one action, which it calls for one attempt at a time. */
export class Worker {
  /** Resolves when it is gone, for whatever reason, and has been heard out. */
  readonly exited: Promise<Exit>;
  private readonly commands: Duplex;
  private calls = 0;
  private current: Call | undefined;
  private isEnding = false;
  private exit: Exit | undefined;

  private constructor(
    private readonly group: ProcessGroup,
    readonly room: Room,
    readonly metadata: ActionMetadata,
  ) {
    this.commands = group.channel(3);
    this.commands.on('error', () => undefined); // it has exited, which is seen elsewhere
    const heard = readLines(group.channel(4), limits.valueBytes, (line) => this.receive(line)).then((end) => {
      if (end === 'line-too-long') this.refuse();
    });
    this.exited = group.exited.then(async (exit) => {
      // Its last words may still be under way. Whoever holds the channel open beyond that has none to say.
      await Promise.race([heard, setTimeout(lingerMs, undefined, { ref: false })]);
      this.exit = exit;
      this.current?.settle({ type: 'exited', exit });
      return exit;
    });
  }

  static async start(
    spec: { readonly command: readonly string[]; readonly env: Environment; readonly metadata: ActionMetadata },
    context: GroupContext,
  ): Promise<Worker> {
    const { command, env, metadata } = spec;
    const workingDirectory = context.room.work;
    const group = await ProcessGroup.start({ command, env, workingDirectory, descriptors: 'with-protocol' }, context);
    return new Worker(group, context.room, metadata);
  }

  get pid(): number | undefined {
    return this.group.pid;
  }

  /** Whether it can take another call. */
  get isUsable(): boolean {
    return !this.isEnding && !this.group.hasExited;
  }

  /** Calls the handler; resolves when it has answered or died and all its output is in the sinks. */
  async call(handed: HandedOver, { stdout, stderr }: CallOutputs): Promise<CallEnd> {
    const number = ++this.calls;
    if (this.exit !== undefined) return number === 1 ? { type: 'exited', exit: this.exit } : { type: 'not-begun' };
    const marker = randomUUID();
    const markerBytes = Buffer.from(marker);
    const [out, err] = this.group.outputs;
    const logged = Promise.all([out.read(markerBytes, stdout), err.read(markerBytes, stderr)]);
    const ended = new Promise<CallEnd>((settle) => (this.current = { number, settle }));
    this.commands.write(encodeCommand({ call: number, marker, ...handed }));
    const end = await ended;
    this.current = undefined;
    if (end.type !== 'not-begun') await logged;
    return end;
  }

  terminate(): void {
    this.isEnding = true;
    this.group.terminate();
  }

  kill(): void {
    this.isEnding = true;
    this.group.kill();
  }

  private receive(line: string): void {
    const reply = parseReply(line);
    // Nonsense can only come from a handler that has got hold of our descriptor: it cannot be talked to any more.
    if (reply === undefined || (reply.call !== undefined && reply.call !== this.current?.number)) return this.kill();
    if (reply.isLast) this.isEnding = true;
    this.current?.settle(
      reply.answer === undefined ? { type: 'not-begun' } : { type: 'answered', answer: reply.answer },
    );
  }

  private refuse(): void {
    this.kill();
    this.current?.settle({ type: 'too-large' });
  }
}

function parseReply(line: string): WorkerReply | undefined {
  try {
    return decodeReply(line);
  } catch {
    return undefined;
  }
}
