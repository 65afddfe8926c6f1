import { join } from 'node:path';
import { readOrCreateKeyFile } from './encryption-key';
import type { FileStore } from './file-store';
import { SecretBox } from './secret-box';
import { Secrets } from './secrets';

export interface SecretsOptions {
  /** The folder that holds content and secrets; services that work together share it. */
  readonly directory: string;
  /** `RYAX_ENCRYPTION_KEY`: any text. Without it a key is kept in `keyFile`, and made there if need be. */
  readonly encryptionKey?: string | undefined;
  /** Default: `encryption.key` in the directory. */
  readonly keyFile?: string | undefined;
}

/** Opens the passwords at rest with the key that is given, or that is kept beside the files. */
export async function openSecrets(files: FileStore, options: SecretsOptions): Promise<Secrets> {
  const { directory, encryptionKey, keyFile = join(directory, 'encryption.key') } = options;
  return new Secrets(files, await SecretBox.fromText(encryptionKey ?? (await readOrCreateKeyFile(keyFile))));
}
