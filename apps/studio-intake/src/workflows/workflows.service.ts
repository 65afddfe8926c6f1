import { Inject, Injectable } from '@nestjs/common';
import { deployedDefinitionSchema, type JsonObject, type JsonValue, type QueryAnswer } from '@ryax/contracts';
import { readJson, type FileStore } from '@ryax/filestore';
import { z } from 'zod';
import type { Principal } from '../auth.guard';
import { Admission } from '../load/admission';
import { RunnerClient } from '../runner.client';
import { StateStoreClient } from '../state-store.client';
import { FILE_STORE } from '../tokens';
import { Definitions, type ValidDefinition } from './definitions';

const deployedResult = z.object({ workflow_version: z.int().positive() });

export interface Deployment extends JsonObject {
  workflow_id: string;
  version: number;
  definition_hash: string;
}

/** What REST and AMQP can ask about workflows. */
@Injectable()
export class Workflows {
  constructor(
    @Inject(FILE_STORE) private readonly files: FileStore,
    private readonly definitions: Definitions,
    private readonly runner: RunnerClient,
    private readonly stateStore: StateStoreClient,
    private readonly admission: Admission,
  ) {}

  /** Equal content gives the version that it had before. @throws OverloadedError before anything is begun */
  async deploy(caller: Principal, body: unknown): Promise<Deployment> {
    return this.admission.enter(async () => {
      const valid = await this.definitions.validate(caller.project, this.definitions.parse(body));
      return this.deployValid(caller, valid, await this.definitions.store(caller.project, valid));
    });
  }

  /** What its caller was admitted for. */
  async deployValid(caller: Principal, { deployed }: ValidDefinition, definitionHash: string): Promise<Deployment> {
    const { id, human_name: humanName = id } = deployed.definition.spec;
    const { result } = await this.runner.command(
      'workflow.deploy',
      { kind: 'workflow', project: caller.project, id },
      { workflow_id: id, definition_hash: definitionHash, human_name: humanName, deployed_by: caller.subject },
    );
    return { workflow_id: id, version: deployedResult.parse(result).workflow_version, definition_hash: definitionHash };
  }

  async undeploy(caller: Principal, workflowId: string): Promise<void> {
    await this.runner.command(
      'workflow.undeploy',
      { kind: 'workflow', project: caller.project, id: workflowId },
      { workflow_id: workflowId, undeployed_by: caller.subject },
    );
  }

  async validate(caller: Principal, body: unknown): Promise<JsonObject> {
    const { deployed, warnings } = await this.definitions.validate(caller.project, this.definitions.parse(body));
    return { valid: true, workflow_id: deployed.definition.spec.id, warnings: [...warnings] };
  }

  /** With the definition as it was written, however large: one that fits no message is read from where it is stored. */
  async get(caller: Principal, workflowId: string, version?: number): Promise<QueryAnswer<'workflow.get'>> {
    const workflow = await this.stateStore.query('workflow.get', {
      project: caller.project,
      workflow_id: workflowId,
      ...(version === undefined ? {} : { version }),
    });
    if (workflow.definition !== null) return workflow;
    const stored = deployedDefinitionSchema.parse(await readJson(this.files, workflow.definition_hash));
    return { ...workflow, definition: JSON.parse(JSON.stringify(stored.definition)) as JsonValue };
  }
}
