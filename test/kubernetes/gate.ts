import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { PassThrough } from 'node:stream';
import { Exec, KubeConfig, type V1Pod, type V1Status } from '@kubernetes/client-node';
import { statusOfMain } from '../../apps/executor/src/kubernetes/pod-status';

/** Holds up scripts until they are let go. */
export interface Gate {
  /** The command that waits; the end of whatever it is part of. */
  readonly wait: string;
  /** For all that wait. */
  open(): Promise<void>;
  close(): Promise<void>;
}

const mostScripts = 4_096;

/** For the test server, whose containers are processes of this machine: also for scripts that come to it when it is open. */
export class PipeGate implements Gate {
  private handle: FileHandle | undefined;

  constructor(private readonly path: string) {
    execFileSync('mkfifo', [path]);
  }

  get wait(): string {
    // From the root, without its first slash: a pod may have a /tmp of its own, and names of paths in it are replaced.
    return `(cd / && read go < ${this.path.slice(1)})`;
  }

  async open(): Promise<void> {
    if (this.handle !== undefined) return;
    // For reading, too: then it is opened at once although nobody may wait yet, and each script takes one line.
    this.handle = await open(this.path, constants.O_RDWR | constants.O_NONBLOCK);
    await this.handle.write('\n'.repeat(mostScripts));
  }

  async close(): Promise<void> {
    await this.handle?.close();
  }
}

/** Where a script cannot be told, since the cluster lets nobody into its pods, it waits for so long. */
const holdSeconds = 75;
const execMs = 20_000;

/** For a cluster: a file in each pod. */
export class PodGate implements Gate {
  private readonly path = `/tmp/gate-${randomUUID()}`;

  constructor(private readonly pods: () => Promise<readonly V1Pod[]>) {}

  get wait(): string {
    return `n=0; while [ ! -e ${this.path} ] && [ $n -lt ${holdSeconds} ]; do n=$((n+1)); sleep 1; done`;
  }

  async open(): Promise<void> {
    const running = (await this.pods()).filter((pod) => statusOfMain(pod)?.state?.running !== undefined);
    await Promise.all(running.map((pod) => this.openIn(pod)));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** Who may not, or comes too late, leaves it to the time. */
  private async openIn({ metadata }: V1Pod): Promise<void> {
    const { namespace = '', name = '' } = metadata ?? {};
    const config = new KubeConfig();
    config.loadFromDefault();
    const done = new AbortController();
    const command = ['/bin/sh', '-c', `: > ${this.path}`];
    const errors = new PassThrough().resume();
    const ended = ({ status, message }: V1Status) => {
      if (status !== 'Success') process.stderr.write(`${name} goes on after ${holdSeconds} s alone: ${message}\n`);
      done.abort();
    };
    const connecting: Promise<Connection> = new Exec(config).exec(
      ...([namespace, name, 'main', command, null, errors, null, false, ended] as const),
    );
    const told = connecting.then((connection) => {
      connection.onclose = () => done.abort();
      return once(done.signal);
    });
    await Promise.race([told.catch(() => undefined), once(AbortSignal.timeout(execMs))]);
    void connecting.then((connection) => connection.close()).catch(() => undefined);
  }
}

/** What we use of a WebSocket. */
interface Connection {
  onclose: unknown;
  close(): void;
}

function once(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
