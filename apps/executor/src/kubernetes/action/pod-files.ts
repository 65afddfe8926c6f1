import { chmod, mkdir, mkdtemp, readdir, realpath, rm, stat } from 'node:fs/promises';
import { join, posix } from 'node:path';
import type { FileReference } from '@ryax/contracts';
import type { FileStore } from '@ryax/filestore';
import { messageOf } from '@ryax/platform';
import { AttemptFailure } from '../../process/attempt-failure';
import { unpackInput, type InputPlace } from '../../process/inputs';
import type { PathsOfAttempt } from '../../process/outputs';
import { isWithin } from '../../process/scratch';
import { ActionServerRefusal, type ActionServer } from './action-server';

/** Where the action lies in its image. */
const actionFolder = '/ryax/action';

/** The files of an attempt in a pod, by way of the server there and a folder of ours that goes with {@link close}. */
export class PodFiles implements InputPlace, PathsOfAttempt {
  private folder: Promise<string> | undefined;
  private count = 0;
  private puts = 0;

  constructor(
    private readonly server: Pick<ActionServer, 'put' | 'get'>,
    private readonly files: FileStore,
    private readonly directory: string,
    private readonly signal: AbortSignal,
  ) {}

  ownFile(path: string): string {
    return posix.join(actionFolder, path);
  }

  /** Each in a folder of its own: two inputs may have one name. */
  async put({ $file: hash, kind }: FileReference, name: string): Promise<string> {
    const local = await this.localPath();
    const remote = `${++this.puts}/${name}`;
    if (kind === 'directory') {
      await unpackInput(this.files, hash, local, this.signal);
      return this.putDirectory(local, remote);
    }
    await this.files.copyTo(hash, local);
    const path = await this.server.put(remote, local, this.signal);
    await rm(local, { force: true });
    return path;
  }

  /** Brings what was returned to this machine. Paths of ours, which were brought before, are as they are. */
  async resolve(path: string): Promise<string> {
    if (isWithin(path, await this.ownFolder())) return path;
    try {
      return await this.bring(path);
    } catch (error) {
      if (error instanceof ActionServerRefusal || error instanceof AttemptFailure) throw error;
      const message = `The returned ${path} could not be brought from its pod: ${messageOf(error)}`;
      throw new AttemptFailure({ kind: 'lost', message }, { cause: error });
    }
  }

  fromHost(path: string): string {
    return path;
  }

  async close(): Promise<void> {
    if (this.folder !== undefined) await rm(await this.folder, { recursive: true, force: true });
  }

  private async bring(path: string): Promise<string> {
    const local = await this.localPath();
    const found = await this.server.get(path, local, this.signal);
    if (found === 'file') return local;
    await mkdir(local);
    for (const entry of found) {
      const target = join(local, entry.path);
      if (!isWithin(target, local))
        throw AttemptFailure.invalid(`The returned ${path} has ${entry.path}, outside of it`);
      if (entry.kind === 'directory') await mkdir(target, { recursive: true });
      else await this.server.get(posix.join(path, entry.path), target, this.signal);
      if (entry.kind === 'file' && entry.executable === true) await chmod(target, 0o755);
    }
    return local;
  }

  private async putDirectory(local: string, remote: string): Promise<string> {
    const root = await this.server.put(remote, undefined, this.signal);
    await this.putAllIn(local, remote, []);
    await rm(local, { recursive: true, force: true });
    return root;
  }

  /** Links as what they lead to, as what is returned is. @param above the folders, without links, that this one lies in */
  private async putAllIn(local: string, remote: string, above: readonly string[]): Promise<void> {
    const real = await realpath(local);
    if (above.includes(real)) throw AttemptFailure.invalid(`The directory ${remote} holds itself by a link`);
    for (const entry of await readdir(local)) {
      const [path, name] = [join(local, entry), `${remote}/${entry}`];
      const found = await stat(path);
      await this.server.put(name, found.isDirectory() ? undefined : path, this.signal);
      if (found.isDirectory()) await this.putAllIn(path, name, [...above, real]);
    }
  }

  private ownFolder(): Promise<string> {
    return (this.folder ??= mkdtemp(join(this.directory, 'attempt-')));
  }

  private async localPath(): Promise<string> {
    return join(await this.ownFolder(), String(++this.count));
  }
}
