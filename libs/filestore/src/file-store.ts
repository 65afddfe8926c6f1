import type { Readable } from 'node:stream';

/**
 * Content by hash: what was stored under a hash never changes, so a zombie cannot overwrite its successor's file and
 * equal content is stored once. Everything is written to a temporary name, fsynced with its directory, then renamed.
 */
export interface FileStore {
  /**
   * Stores a stream; `maxBytes` bounds it (TooLargeError). Resolves when it is durable. The stream stays its caller's:
   * one that was refused half-way is not destroyed, so that an upload can still be answered.
   */
  put(content: Readable | Buffer | string, options?: { readonly maxBytes?: number }): Promise<StoredContent>;
  /** Opens content for reading, whole or a byte range (`end` inclusive). Rejects with NotFoundError. */
  open(hash: string, range?: { readonly start: number; readonly end?: number }): Promise<Readable>;
  /** All of it, its hash verified. Rejects with NotFoundError or CorruptContentError. */
  read(hash: string): Promise<Buffer>;
  /** Writes a copy to a new local file, through which nobody can reach what is stored. Rejects with NotFoundError. */
  copyTo(hash: string, path: string): Promise<void>;
  /** Size in bytes; undefined when there is no such content. */
  size(hash: string): Promise<number | undefined>;
  /** Mutable, named by its caller, for secrets: `secrets/<id>`. Writing an existing one again changes nothing. */
  putSecret(id: string, ciphertext: Buffer): Promise<void>;
  readSecret(id: string): Promise<Buffer | undefined>;
  /** Forgets a secret for good; one that is not there is no error. */
  deleteSecret(id: string): Promise<void>;
  /** Rejects when the store cannot be written now; for readiness. */
  check(): Promise<void>;
}

export interface StoredContent {
  /** `sha256:` and 64 hexadecimal digits. */
  readonly hash: string;
  readonly size: number;
}
