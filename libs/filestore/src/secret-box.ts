import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes, scrypt } from 'node:crypto';
import { promisify } from 'node:util';
import { SecretError } from './errors';

/** Where a secret stands: part of its id, so that equal passwords in two places cannot be told to be equal. */
export interface SecretPlace {
  /** The stream that holds the value: a run or a workflow. */
  readonly streamId: string;
  /** Where in it: `inputs.token`, or an output of an execution. */
  readonly path: string;
}

const cipher = 'aes-256-gcm';
const formatVersion = 1;
const nonceBytes = 12;
const tagBytes = 16;
const headerBytes = 1 + nonceBytes + tagBytes;

/**
 * Seals secrets with AES-256-GCM: a version byte, the nonce, the tag, the ciphertext. A secret's id is an HMAC over
 * its place and value, bound into the ciphertext, so that a sealed secret cannot be passed off under another id.
 */
export class SecretBox {
  private readonly sealKey: Buffer;
  private readonly idKey: Buffer;

  private constructor(master: Buffer) {
    this.sealKey = derive(master, 'ryax secret seal');
    this.idKey = derive(master, 'ryax secret id');
  }

  /** From any text. Stretched once, since people choose texts that can be guessed. */
  static async fromText(text: string): Promise<SecretBox> {
    return new SecretBox(await stretch(text, 'ryax encryption key', 32));
  }

  idOf({ streamId, path }: SecretPlace, value: string): string {
    const hmac = createHmac('sha256', this.idKey);
    for (const part of [streamId, path, value]) {
      const bytes = Buffer.from(part, 'utf8');
      const length = Buffer.alloc(8);
      length.writeBigUInt64BE(BigInt(bytes.length));
      hmac.update(length).update(bytes);
    }
    return hmac.digest('hex');
  }

  seal(id: string, value: string): Buffer {
    const nonce = randomBytes(nonceBytes);
    const encrypt = createCipheriv(cipher, this.sealKey, nonce).setAAD(Buffer.from(id));
    const ciphertext = Buffer.concat([encrypt.update(value, 'utf8'), encrypt.final()]);
    return Buffer.concat([Buffer.of(formatVersion), nonce, encrypt.getAuthTag(), ciphertext]);
  }

  unseal(id: string, sealed: Buffer): string {
    if (sealed.length < headerBytes || sealed[0] !== formatVersion)
      throw new SecretError(id, 'its format is not known');
    const nonce = sealed.subarray(1, 1 + nonceBytes);
    const tag = sealed.subarray(1 + nonceBytes, headerBytes);
    const decrypt = createDecipheriv(cipher, this.sealKey, nonce).setAAD(Buffer.from(id)).setAuthTag(tag);
    try {
      return Buffer.concat([decrypt.update(sealed.subarray(headerBytes)), decrypt.final()]).toString('utf8');
    } catch (error) {
      throw new SecretError(id, 'it was sealed with another key, or is damaged', { cause: error });
    }
  }
}

const stretch: (text: string, salt: string, bytes: number) => Promise<Buffer> = promisify(scrypt);

function derive(master: Buffer, purpose: string): Buffer {
  return Buffer.from(hkdfSync('sha256', master, '', purpose, 32));
}
