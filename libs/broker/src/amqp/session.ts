import { Socket } from 'node:net';
import { connect, type Channel, type ChannelModel, type ConfirmChannel, type Connection } from 'amqplib';
import type { Subscription } from '../broker';

const connectTimeoutMs = 10_000;
/** A stopped peer is noticed after two to three of these; see PROTOCOLS §7. */
const heartbeatSeconds = 5;
const closeTimeoutMs = 2_000;

/** A subscription for its whole life, over any number of sessions. */
export interface AmqpSubscription extends Subscription {
  readonly queue: string;
  attach(session: Session): Promise<void>;
  detach(): void;
}

/**
 * One connection to the broker, from its opening to its loss. There is one way to recover: whatever fails on it, a
 * channel included, ends the session, and the next one rebuilds everything from what was declared.
 */
export class Session {
  /** Resolves when the connection is gone, with the cause. */
  readonly lost: Promise<Error>;
  private cause: Error | undefined;
  private ended = false;

  private constructor(private readonly connection: ChannelModel) {
    this.lost = new Promise((resolve) => {
      connection.on('close', (error) => {
        this.ended = true;
        resolve(this.cause ?? error ?? new Error('closed'));
      });
    });
    connection.on('error', (error) => (this.cause ??= error));
    connection.on('handler-error', (error) => this.fail(error));
  }

  static async open(url: string, name: string): Promise<Session> {
    const address = new URL(url);
    if (!address.searchParams.has('heartbeat')) address.searchParams.set('heartbeat', String(heartbeatSeconds));
    const connection = await connect(address.href, {
      // Nagle would hold back small frames: 40 ms a step instead of 2.5.
      noDelay: true,
      keepAlive: true,
      timeout: connectTimeoutMs,
      clientProperties: { connection_name: name },
    });
    writeOncePerTurn(connection.connection);
    return new Session(connection);
  }

  get isAlive(): boolean {
    return !this.ended && this.cause === undefined;
  }

  /** Whether the work was done; false when the session was lost meanwhile. Other failures are passed on. */
  async hasDone(work: Promise<void>): Promise<boolean> {
    try {
      await work;
      return true;
    } catch (error) {
      if (this.isAlive) throw error;
      return false;
    }
  }

  async channel(): Promise<Channel> {
    return this.watched(await this.connection.createChannel());
  }

  async confirmChannel(): Promise<ConfirmChannel> {
    return this.watched(await this.connection.createConfirmChannel());
  }

  /** A channel whose failure is an answer, not the end: for asking about what may not exist. */
  async probe<T>(ask: (channel: Channel) => Promise<T>): Promise<T> {
    const channel = await this.connection.createChannel();
    let failed = false;
    channel.on('error', () => (failed = true));
    try {
      return await ask(channel);
    } finally {
      if (!failed) await channel.close().catch(() => undefined);
    }
  }

  onBlocked(listener: (blocked: boolean) => void): void {
    this.connection.on('blocked', () => listener(true));
    this.connection.on('unblocked', () => listener(false));
  }

  /** Ends the session because something on it failed; `lost` follows. */
  fail(error: Error): void {
    this.cause ??= error;
    // A connection that is closing or closed already has nothing more to say.
    this.connection.close().catch(() => undefined);
  }

  /** Ends the session in order; a peer that does not answer is left to its heartbeat. */
  async close(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, closeTimeoutMs);
    });
    await Promise.race([this.connection.close().catch(() => undefined), this.lost, late]);
    clearTimeout(timer);
  }

  private watched<C extends Channel>(channel: C): C {
    channel.on('error', (error) => this.fail(error));
    channel.on('handler-error', (error) => this.fail(error));
    return channel;
  }
}

/**
 * The library writes what each of its channels has as a chunk of its own: a dozen system calls for what one turn of the event
 * loop brought about, each of which wakes the broker. Held together until the turn is over, they leave as one, and no later.
 */
function writeOncePerTurn(connection: Connection): void {
  const socket = 'stream' in connection ? connection.stream : undefined;
  if (!(socket instanceof Socket)) return;
  const write = socket.write.bind(socket);
  let isHeld = false;
  const hold = (chunk: Uint8Array | string) => {
    if (!isHeld) {
      isHeld = true;
      socket.cork();
      process.nextTick(() => {
        isHeld = false;
        socket.uncork();
      });
    }
    return write(chunk);
  };
  socket.write = hold;
}
