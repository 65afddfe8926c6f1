import { Inject, Injectable } from '@nestjs/common';
import { deployedDefinitionSchema, streamId, type JsonValue } from '@ryax/contracts';
import { readJson, type FileStore } from '@ryax/filestore';
import { ByteBoundedCache } from '@ryax/platform';
import { z } from 'zod';
import { StateStoreClient } from '../state-store.client';
import { FILE_STORE } from '../tokens';
import { SharedLookup } from './shared-lookup';

/** What a start of a workflow without a version pins. */
export interface CurrentWorkflow {
  /** The version of the workflow's stream that says so. */
  readonly head: number;
  readonly version: number;
  readonly definitionHash: string;
  readonly deployed: boolean;
  /** Inputs that are encrypted before anything is sent. */
  readonly passwords: readonly string[];
}

const cacheBytes = 4 * 1024 * 1024;
/** Of a definition without passwords, as most are. */
const entryBytes = 128;

/**
 * Workflows as they stand at the moment of asking. Thousands of starts a second ask for few workflows: those that come at the
 * same time share one question, and what a definition says is remembered by its hash, under which it cannot change.
 *
 * What was answered last is remembered, too, for those who have the runner check that it still holds.
 */
@Injectable()
export class CurrentWorkflows {
  private readonly lookups = new SharedLookup<CurrentWorkflow>();
  private readonly passwords = new ByteBoundedCache<string, readonly string[]>(cacheBytes);
  private readonly answers = new ByteBoundedCache<string, CurrentWorkflow>(cacheBytes);

  constructor(
    private readonly stateStore: StateStoreClient,
    @Inject(FILE_STORE) private readonly files: FileStore,
  ) {}

  /** @throws RejectedError when there is no such workflow */
  of(project: string, workflowId: string): Promise<CurrentWorkflow> {
    return this.lookups.ask(streamId('workflow', project, workflowId), () => this.lookUp(project, workflowId));
  }

  /** A deployed workflow as it stood when it was asked for last; undefined when nobody has. May be outdated. */
  remembered(project: string, workflowId: string): CurrentWorkflow | undefined {
    return this.answers.get(streamId('workflow', project, workflowId));
  }

  private async lookUp(project: string, workflowId: string): Promise<CurrentWorkflow> {
    const query = { project, workflow_id: workflowId };
    const answer = await this.stateStore.query('workflow.current', query);
    const { version, definition_hash: definitionHash, deployed, head } = answer;
    const current = { head, version, definitionHash, deployed, passwords: await this.passwordsIn(definitionHash) };
    this.remember(streamId('workflow', project, workflowId), current);
    return current;
  }

  /** Nothing follows from one that is not deployed: it may be again by now. */
  private remember(stream: string, current: CurrentWorkflow): void {
    if (current.deployed) this.answers.set(stream, current, entryBytes + 2 * stream.length);
    else this.answers.delete(stream);
  }

  private async passwordsIn(definitionHash: string): Promise<readonly string[]> {
    const known = this.passwords.get(definitionHash);
    if (known !== undefined) return known;
    const { definition } = deployedDefinitionSchema.parse(await readJson(this.files, definitionHash));
    const names = passwordsOf(definition as unknown as JsonValue);
    this.passwords.set(definitionHash, names, entryBytes + names.join().length * 2);
    return names;
  }
}

const withTrigger = z.object({
  spec: z.object({
    trigger: z.object({ outputs: z.array(z.object({ name: z.string(), type: z.string() })).default([]) }).optional(),
  }),
});

/** The inputs of a run that its definition declares as passwords. */
export function passwordsOf(definition: JsonValue): readonly string[] {
  const outputs = withTrigger.parse(definition).spec.trigger?.outputs ?? [];
  return outputs.flatMap(({ name, type }) => (type === 'password' ? [name] : []));
}
