import { isError } from '@ryax/platform';

/** What this library rejects with; `code` tells the cases apart. */
export abstract class FileStoreError extends Error {
  abstract readonly code: string;

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

export class NotFoundError extends FileStoreError {
  readonly code = 'not-found';

  constructor(
    readonly hash: string,
    options?: ErrorOptions,
  ) {
    super(`Expected ${hash} in the filestore, found nothing`, options);
  }
}

export class TooLargeError extends FileStoreError {
  readonly code = 'too-large';

  constructor(readonly maxBytes: number) {
    super(`Expected at most ${maxBytes} bytes, found more`);
  }
}

/** The bytes under a hash are not those that were stored: a disk fault, or somebody wrote there. */
export class CorruptContentError extends FileStoreError {
  readonly code = 'corrupt-content';

  constructor(
    readonly hash: string,
    readonly found: string,
  ) {
    super(`Expected content with the hash ${hash}, found ${found}`);
  }
}

/** A secret cannot be read with the key that there is: another key, or a damaged file. */
export class SecretError extends FileStoreError {
  readonly code = 'secret-unreadable';

  constructor(
    readonly id: string,
    reason: string,
    options?: ErrorOptions,
  ) {
    super(`Expected a readable secret ${id}: ${reason}`, options);
  }
}

/** An archive, or a directory that should become one, is refused because of one of its entries. */
export class ArchiveError extends FileStoreError {
  readonly code = 'archive-invalid';

  constructor(
    /** The entry's name as the archive gives it; undefined when the archive as a whole is at fault. */
    readonly entry: string | undefined,
    readonly reason: string,
    options?: ErrorOptions,
  ) {
    super(entry === undefined ? `The archive ${reason}` : `The entry "${entry}" ${reason}`, options);
  }
}

/** What the operating system said, as opposed to what a parser thinks of an archive. */
export function isSystemError(error: unknown): boolean {
  return isError(error) && 'syscall' in error;
}
