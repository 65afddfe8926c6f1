import { Inject, Injectable } from '@nestjs/common';
import {
  isTooDeep,
  limits,
  streamId,
  tooDeep,
  type DeployedDefinition,
  type Fault,
  type JsonValue,
  type PinnedAction,
} from '@ryax/contracts';
import { putJson, type FileStore, type Secrets } from '@ryax/filestore';
import { actionReferences, validateDefinition, type Plan } from '@ryax/workflow';
import { readYaml, YamlError } from '@ryax/yaml';
import { StoredActions } from '../actions/stored-actions';
import { InvalidRequestError, TooLargeError } from '../errors';
import type { IntakeOptions } from '../intake.config';
import { StateStoreClient } from '../state-store.client';
import { FILE_STORE, INTAKE_OPTIONS, SECRETS } from '../tokens';
import { sealDefinition } from './seal-definition';

const invalidSpecification = 'Invalid workflow specification';

export interface ValidDefinition {
  readonly deployed: DeployedDefinition;
  readonly plan: Plan;
  readonly warnings: readonly Fault[];
}

/** From what a caller sends to a definition that can be deployed. */
@Injectable()
export class Definitions {
  constructor(
    @Inject(FILE_STORE) private readonly files: FileStore,
    @Inject(SECRETS) private readonly secrets: Secrets,
    private readonly stateStore: StateStoreClient,
    private readonly actions: StoredActions,
    @Inject(INTAKE_OPTIONS) private readonly options: Pick<IntakeOptions, 'limits'>,
  ) {}

  /** YAML text, of which JSON is a part, or a value that is parsed already. */
  parse(body: unknown): JsonValue {
    if (typeof body !== 'string') return body as JsonValue;
    this.checkSize(body);
    if (Buffer.byteLength(body) > limits.yamlBytes) return readLongText(body);
    try {
      return readYaml(body);
    } catch (error) {
      if (!(error instanceof YamlError)) throw error;
      throw new InvalidRequestError(invalidSpecification, [{ path: '', reason: error.message }]);
    }
  }

  /** @throws InvalidRequestError with all faults */
  async validate(project: string, definition: JsonValue): Promise<ValidDefinition> {
    if (isTooDeep(definition)) {
      throw new InvalidRequestError(invalidSpecification, [{ path: '', reason: tooDeep }]);
    }
    // What came as JSON was parsed by whoever has read it.
    this.checkSize(JSON.stringify(definition) ?? '');
    const { actionsPerWorkflow } = this.options.limits;
    const result = validateDefinition(definition, await this.resolve(project, actionReferences(definition)), {
      actionsPerWorkflow,
    });
    if (!result.ok) throw new InvalidRequestError(invalidSpecification, result.faults);
    return result;
  }

  /** Stores a valid definition under its hash, its passwords encrypted beside it. */
  async store(project: string, { deployed }: ValidDefinition): Promise<string> {
    const stream = streamId('workflow', project, deployed.definition.spec.id);
    const sealed = await sealDefinition(deployed, (path, value) => this.secrets.put({ streamId: stream, path }, value));
    return (await putJson(this.files, JSON.parse(JSON.stringify(sealed)) as JsonValue)).hash;
  }

  private checkSize(text: string): void {
    const { definitionBytes } = this.options.limits;
    if (Buffer.byteLength(text) <= definitionBytes) return;
    throw new TooLargeError(`A definition may have ${definitionBytes} bytes (definitionBytes), found more`);
  }

  /** What references mean now: uploaded content by its hash, published actions by the catalogue. */
  private async resolve(project: string, references: readonly string[]): Promise<ReadonlyMap<string, PinnedAction>> {
    const resolved = new Map<string, PinnedAction>();
    const published = references.filter(isPublished);
    if (published.length > 0) {
      const { actions } = await this.stateStore.query('action.resolve', { project, references: published });
      for (const [reference, action] of Object.entries(actions)) resolved.set(reference, action);
    }
    for (const reference of references.filter((each) => each.startsWith('sha256:'))) {
      const action = await this.actions.byHash(reference);
      if (action !== undefined) resolved.set(reference, action);
    }
    return resolved;
  }
}

function readLongText(text: string): JsonValue {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    throw new TooLargeError(
      `A definition that is not JSON may have ${limits.yamlBytes} bytes (yamlBytes), found more: send it as JSON`,
    );
  }
}

/** `<id>@<version>`: neither part is empty, and neither has a slash. */
export function isPublished(reference: string): boolean {
  return !reference.includes('/') && reference.slice(1, -1).includes('@');
}
