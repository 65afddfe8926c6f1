import { join } from 'node:path';
import { Module, type DynamicModule } from '@nestjs/common';
import { readOrCreateKeyFile } from './encryption-key';
import type { FileStore } from './file-store';
import { LocalFileStore } from './local-file-store';
import { SecretBox } from './secret-box';
import { Secrets } from './secrets';

/** Injection token of the {@link FileStore}. */
export const FILE_STORE = Symbol('FileStore');

export interface FileStoreOptions {
  /** The folder that holds content and secrets; services that work together share it. */
  readonly directory: string;
  /** `RYAX_ENCRYPTION_KEY`: any text. Without it a key is kept in `keyFile`, and made there if need be. */
  readonly encryptionKey?: string | undefined;
  /** Default: `encryption.key` in the directory. */
  readonly keyFile?: string | undefined;
}

@Module({})
export class FileStoreModule {
  static forRoot(options: FileStoreOptions): DynamicModule {
    return {
      module: FileStoreModule,
      providers: [
        { provide: FILE_STORE, useFactory: () => LocalFileStore.open(options.directory) },
        {
          provide: Secrets,
          // Not a class constructor: the key has to be read or made first.
          useFactory: (files: FileStore) => openSecrets(files, options),
          inject: [FILE_STORE],
        },
      ],
      exports: [FILE_STORE, Secrets],
    };
  }
}

/** The same without Nest. */
export async function openSecrets(files: FileStore, options: FileStoreOptions): Promise<Secrets> {
  const { directory, encryptionKey, keyFile = join(directory, 'encryption.key') } = options;
  return new Secrets(files, await SecretBox.fromText(encryptionKey ?? (await readOrCreateKeyFile(keyFile))));
}
