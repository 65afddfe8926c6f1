import type { SecretReference } from '@ryax/contracts';
import { SecretError } from './errors';
import type { FileStore } from './file-store';
import type { SecretBox, SecretPlace } from './secret-box';

/** Passwords at rest: encrypted in the filestore, and everywhere else only their ids. */
export class Secrets {
  constructor(
    private readonly files: FileStore,
    private readonly box: SecretBox,
  ) {}

  /** Stores a password before anything about it is sent; the same value in the same place gives the same reference. */
  async put(place: SecretPlace, value: string): Promise<SecretReference> {
    const id = this.box.idOf(place, value);
    await this.files.putSecret(id, this.box.seal(id, value));
    return { $secret: id };
  }

  /** The password itself, for the launch that needs it. Rejects with a SecretError. */
  async read({ $secret: id }: SecretReference): Promise<string> {
    const sealed = await this.files.readSecret(id);
    if (sealed === undefined) throw new SecretError(id, 'it has been deleted, or was never stored');
    return this.box.unseal(id, sealed);
  }

  delete({ $secret: id }: SecretReference): Promise<void> {
    return this.files.deleteSecret(id);
  }
}
