import { deployedDefinitionSchema, pinnedActionSchema } from '@ryax/contracts';
import type { FileStore } from '@ryax/filestore';
import { ByteBoundedCache } from '@ryax/platform';
import { compilePlan, handlersOf, type Plan, type PlannedHandler } from '@ryax/workflow';
import { z } from 'zod';

const cacheBytes = 256 * 1024 * 1024;
/** A compiled plan takes several times the memory of its definition's text. */
const bytesPerCharacter = 8;

/** What is deployed, without a look at what its actions mean. */
const storedSchema = deployedDefinitionSchema.extend({ actions: z.record(z.string(), z.unknown()) });

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

  /**
   * Its handlers, see {@link handlersOf}, without a plan: that of 100,000 actions holds up all else for seconds, and nobody may ever
   * run it. Of what the actions mean only that is checked which is looked at.
   */
  async handlers(definitionHash: string, most: number): Promise<readonly PlannedHandler[]> {
    const { definition, actions } = storedSchema.parse(JSON.parse(await this.read(definitionHash)));
    const pinned = (reference: string) =>
      Object.hasOwn(actions, reference) ? pinnedActionSchema.parse(actions[reference]) : undefined;
    return handlersOf(definition, pinned, most);
  }

  private async compile(definitionHash: string): Promise<Plan> {
    const text = await this.read(definitionHash);
    const plan = compilePlan(deployedDefinitionSchema.parse(JSON.parse(text)));
    this.compiled.set(definitionHash, plan, text.length * bytesPerCharacter);
    return plan;
  }

  private async read(definitionHash: string): Promise<string> {
    if ((await this.files.size(definitionHash)) === undefined) throw new DefinitionNotFoundError(definitionHash);
    return (await this.files.read(definitionHash)).toString('utf8');
  }
}
