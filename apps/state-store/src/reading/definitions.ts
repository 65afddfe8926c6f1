import { deployedDefinitionSchema, type DeployedDefinition } from '@ryax/contracts';
import type { FileStore } from '@ryax/filestore';
import { compilePlan, type Plan } from '@ryax/workflow';
import { ByteBoundedCache } from '@ryax/platform';

/** A compiled plan takes several times the memory of its definition's text. */
const bytesPerCharacter = 8;

/** Definitions from the filestore, by hash. */
export class Definitions {
  private readonly plans: ByteBoundedCache<string, Plan>;
  private readonly compiling = new Map<string, Promise<Plan>>();

  constructor(
    private readonly files: Pick<FileStore, 'read'>,
    cacheBytes: number,
  ) {
    this.plans = new ByteBoundedCache(cacheBytes);
  }

  /** As it was deployed; with its size in bytes. */
  async read(hash: string): Promise<{ readonly deployed: DeployedDefinition; readonly bytes: number }> {
    const content = await this.files.read(hash);
    return { deployed: deployedDefinitionSchema.parse(JSON.parse(content.toString('utf8'))), bytes: content.length };
  }

  /** Compiled; the runs of one definition share it. */
  async plan(hash: string): Promise<Plan> {
    const known = this.plans.get(hash);
    if (known !== undefined) return known;
    const compiling = this.compiling.get(hash) ?? this.compile(hash);
    this.compiling.set(hash, compiling);
    try {
      return await compiling;
    } finally {
      this.compiling.delete(hash);
    }
  }

  private async compile(hash: string): Promise<Plan> {
    const { deployed, bytes } = await this.read(hash);
    const plan = compilePlan(deployed);
    this.plans.set(hash, plan, bytes * bytesPerCharacter);
    return plan;
  }
}
