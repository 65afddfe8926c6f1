import { execFileSync } from 'node:child_process';
import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';

/** For how long a script is held up that nobody can reach. */
const holdSeconds = 75;
const mostScripts = 4_096;

/**
 * Holds up scripts until they are let go. On the test server, whose containers are processes of this machine, that is when the spec says
 * so; in a cluster it is after some time, long enough for what a spec does meanwhile.
 */
export class Gate {
  private handle: FileHandle | undefined;

  /** @param path of a pipe to be made; without one scripts wait for their time */
  constructor(private readonly path: string | undefined) {
    if (path !== undefined) execFileSync('mkfifo', [path]);
  }

  /** The command that waits; the end of whatever it is part of. */
  get wait(): string {
    if (this.path === undefined) return `sleep ${holdSeconds}`;
    // From the root, without its first slash: a pod may have a /tmp of its own, and names of paths in it are replaced.
    return `(cd / && read go < ${this.path.slice(1)})`;
  }

  /** For all that wait, and all that will. */
  async open(): Promise<void> {
    if (this.path === undefined || this.handle !== undefined) return;
    // For reading, too: then it is opened at once although nobody may wait yet, and each script takes one line.
    this.handle = await open(this.path, constants.O_RDWR | constants.O_NONBLOCK);
    await this.handle.write('\n'.repeat(mostScripts));
  }

  async close(): Promise<void> {
    await this.handle?.close();
  }
}
