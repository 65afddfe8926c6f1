import { cp, rm } from 'node:fs/promises';
import { constants } from 'node:fs';
import { join } from 'node:path';
import { FileStoreError, NotFoundError, unpackDirectory, type FileStore } from '@ryax/filestore';
import { messageOf } from '@ryax/platform';
import { readActionMetadata, type ActionMetadata } from './action-metadata';
import { AttemptFailure } from './attempt-failure';

interface CachedAction {
  readonly folder: string;
  readonly ready: Promise<ActionMetadata>;
  /** Copies being made of it right now, and questions about it. */
  users: number;
}

/** Contents of actions as they were stored, unpacked once for all the workers that get a copy. */
export class ActionCache {
  /** In order of last use. */
  private readonly actions = new Map<string, CachedAction>();
  /** Folders of what was let go of. What could not be removed is tried again with the next. */
  private readonly unwanted = new Set<string>();
  private fetches = 0;

  constructor(
    private readonly files: FileStore,
    private readonly directory: string,
    private readonly mostActions: number,
  ) {}

  /** Copies the content to a folder that does not exist yet. */
  copyTo(hash: string, target: string): Promise<ActionMetadata> {
    return this.use(hash, (folder) =>
      cp(folder, target, { recursive: true, verbatimSymlinks: true, mode: constants.COPYFILE_FICLONE }),
    );
  }

  /** What the content says of itself. */
  metadataOf(hash: string): Promise<ActionMetadata> {
    return this.use(hash, () => Promise.resolve());
  }

  /** It stays for as long as that takes. */
  private async use(hash: string, act: (folder: string) => Promise<void>): Promise<ActionMetadata> {
    const action = this.touch(hash);
    action.users += 1;
    try {
      const metadata = await action.ready;
      await act(action.folder);
      return metadata;
    } finally {
      action.users -= 1;
      await this.evict();
    }
  }

  private touch(hash: string): CachedAction {
    const action = this.actions.get(hash) ?? this.fetch(hash);
    this.actions.delete(hash);
    this.actions.set(hash, action);
    return action;
  }

  private fetch(hash: string): CachedAction {
    // Of its own each time: one that is being removed is none to unpack into.
    const folder = join(this.directory, `${hash.replace(':', '-')}-${++this.fetches}`);
    const action = { folder, ready: this.unpack(hash, folder), users: 0 };
    // A failure is told to everybody who waits for it now; the next one tries again.
    action.ready.catch(() => this.letGo(hash, action));
    return action;
  }

  private async unpack(hash: string, folder: string): Promise<ActionMetadata> {
    try {
      await unpackDirectory(this.files, hash, folder);
    } catch (error) {
      // What the filestore has said of the content stays so; a filestore or a disk that fails is waited for as long as for a node.
      const kind = error instanceof FileStoreError ? 'image' : 'lost';
      const reason = error instanceof NotFoundError ? 'is not in the filestore' : 'could not be unpacked';
      throw new AttemptFailure(
        { kind, message: `The action's content ${hash} ${reason}: ${messageOf(error)}` },
        { cause: error },
      );
    }
    return readActionMetadata(folder);
  }

  private async evict(): Promise<void> {
    for (const [hash, action] of this.actions) {
      if (this.actions.size <= this.mostActions) break;
      if (action.users === 0) this.letGo(hash, action);
    }
    await Promise.all([...this.unwanted].map((folder) => this.remove(folder)));
  }

  private letGo(hash: string, { folder }: CachedAction): void {
    this.actions.delete(hash);
    this.unwanted.add(folder);
  }

  /** Whoever used another one meanwhile does not fail with it. */
  private async remove(folder: string): Promise<void> {
    try {
      await rm(folder, { recursive: true, force: true });
      this.unwanted.delete(folder);
    } catch {
      // It stays among the unwanted.
    }
  }
}
