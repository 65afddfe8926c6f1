import { deployedDefinitionSchema } from '@ryax/contracts';
import type { FileStore } from '@ryax/filestore';
import { compilePlan, type Plan } from '@ryax/workflow';
import { ByteBoundedCache } from '@ryax/platform';

const cacheBytes = 256 * 1024 * 1024;
/** A compiled plan takes several times the memory of its definition's text. */
const bytesPerCharacter = 8;

/** No content under the hash that a command named: its sender has to store the definition first. */
export class DefinitionNotFoundError extends Error {
  readonly code = 'definition-not-found';

  constructor(readonly definitionHash: string) {
    super(`Expected a definition under ${definitionHash} in the filestore, found none`);
    this.name = 'DefinitionNotFoundError';
  }
}

/** Compiled definitions by hash, shared by all runs of one definition. */
export class Plans {
  private readonly compiled = new ByteBoundedCache<string, Plan>(cacheBytes);
  private readonly compiling = new Map<string, Promise<Plan>>();

  constructor(private readonly files: FileStore) {}

  async get(definitionHash: string): Promise<Plan> {
    const known = this.compiled.get(definitionHash);
    if (known !== undefined) return known;
    const compiling = this.compiling.get(definitionHash) ?? this.compile(definitionHash);
    this.compiling.set(definitionHash, compiling);
    try {
      return await compiling;
    } finally {
      this.compiling.delete(definitionHash);
    }
  }

  private async compile(definitionHash: string): Promise<Plan> {
    if ((await this.files.size(definitionHash)) === undefined) throw new DefinitionNotFoundError(definitionHash);
    const text = (await this.files.read(definitionHash)).toString('utf8');
    const plan = compilePlan(deployedDefinitionSchema.parse(JSON.parse(text)));
    this.compiled.set(definitionHash, plan, text.length * bytesPerCharacter);
    return plan;
  }
}
