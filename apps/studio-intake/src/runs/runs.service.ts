import { Inject, Injectable } from '@nestjs/common';
import { streamId, type JsonObject, type JsonValue, type RunStart } from '@ryax/contracts';
import { isLargerThan, putValue, type FileStore, type Secrets } from '@ryax/filestore';
import { IdSource, Turns } from '@ryax/platform';
import { z } from 'zod';
import type { Principal } from '../auth.guard';
import { InvalidRequestError, RejectedError } from '../errors';
import { requestHashOf, runIdOf } from '../identity';
import type { IntakeOptions } from '../intake.config';
import { Admission } from '../load/admission';
import type { KeyedStart } from '../load/open-runs';
import { RunnerClient } from '../runner.client';
import { StateStoreClient } from '../state-store.client';
import { FILE_STORE, INTAKE_OPTIONS, SECRETS } from '../tokens';
import { Definitions } from '../workflows/definitions';
import { CurrentWorkflows, passwordsOf, type CurrentWorkflow } from '../workflows/current-workflows';
import { Workflows } from '../workflows/workflows.service';

export interface RunRequest {
  readonly inputs: JsonObject;
  readonly labels: Readonly<Record<string, string>>;
  /** The caller's; without one, a repeat is another run. */
  readonly key: string | undefined;
}

export interface StartedRun {
  readonly runId: string;
  readonly workflowId: string;
  readonly workflowVersion: number;
  readonly definitionHash: string;
  readonly state: string;
}

/** A workflow to be run, with the version that its runs will pin. */
export interface PinnedWorkflow {
  readonly workflowId: string;
  readonly version: number;
  readonly definitionHash: string;
  /** Otherwise only what was started before is answered. */
  readonly isDeployed: boolean;
  /** The inputs that are encrypted before anything is sent. */
  readonly passwords: readonly string[];
  /** The part of the request that says what to run; a run's request hash covers it with its inputs and labels. */
  readonly sent: JsonObject;
  /** The runner is to check that the workflow's stream still ends here. */
  readonly head?: number;
}

const apiSource = 'api';
/** Runners of earlier versions do not say which version the run pins. */
const startedResult = z.object({ state: z.string(), workflow_version: z.int().optional() });
/** Starts that write to the filestore at the same time: enough to keep it busy, and far from what a process may hold open. */
const preparedAtOnce = 32;

/** What REST and AMQP can ask about runs. */
@Injectable()
export class Runs {
  private readonly preparing = new Turns(preparedAtOnce);

  constructor(
    @Inject(FILE_STORE) private readonly files: FileStore,
    @Inject(SECRETS) private readonly secrets: Secrets,
    private readonly runner: RunnerClient,
    private readonly stateStore: StateStoreClient,
    private readonly workflows: Workflows,
    private readonly current: CurrentWorkflows,
    private readonly definitions: Definitions,
    private readonly ids: IdSource,
    private readonly admission: Admission,
    @Inject(INTAKE_OPTIONS) private readonly options: Pick<IntakeOptions, 'limits'>,
  ) {}

  /**
   * Starts a run of a deployed workflow: as it was seen last, if the runner finds that it still stands there. That saves each
   * start a question, and never starts what a deployment has replaced that was answered before.
   *
   * @throws OverloadedError before anything is begun
   */
  start(caller: Principal, workflowId: string, request: RunRequest): Promise<StartedRun> {
    const begin = () => this.startCurrent(caller, workflowId, request);
    return this.admission.start(caller.project, begin, this.keyed(caller, workflowId, request.key));
  }

  /** Starts a run of a workflow as it was pinned. @throws OverloadedError before anything is begun */
  startPinned(caller: Principal, workflow: PinnedWorkflow, request: RunRequest): Promise<StartedRun> {
    const begin = () => this.begin(caller, workflow, request);
    return this.admission.start(caller.project, begin, this.keyed(caller, workflow.workflowId, request.key));
  }

  private async startCurrent(caller: Principal, workflowId: string, request: RunRequest): Promise<StartedRun> {
    const remembered = this.current.remembered(caller.project, workflowId);
    if (remembered !== undefined) {
      const workflow = { ...this.pinned(workflowId, remembered), head: remembered.head };
      try {
        return await this.begin(caller, workflow, request);
      } catch (error) {
        // Outdated, or rejected by what may be: what the workflow is now decides.
        if (!(error instanceof RejectedError)) throw error;
      }
    }
    return this.begin(caller, await this.pin(caller, workflowId), request);
  }

  /** A workflow at its newest version. @throws RejectedError when there is none */
  async pin(caller: Principal, workflowId: string): Promise<PinnedWorkflow> {
    return this.pinned(workflowId, await this.current.of(caller.project, workflowId));
  }

  private pinned(workflowId: string, current: CurrentWorkflow): PinnedWorkflow {
    const { version, definitionHash, deployed: isDeployed, passwords } = current;
    const sent = { route: 'runs', workflow_id: workflowId };
    return { workflowId, version, definitionHash, isDeployed, passwords, sent };
  }

  /**
   * Validates, deploys and starts in one call. A repeat under its key is answered before anything is deployed again.
   *
   * @throws OverloadedError before anything is begun
   */
  execute(caller: Principal, body: JsonValue, request: RunRequest): Promise<StartedRun> {
    const begin = () => this.deployAndStart(caller, body, request);
    return this.admission.start(caller.project, begin, this.keyed(caller, workflowIdIn(body), request.key));
  }

  private async deployAndStart(caller: Principal, body: JsonValue, request: RunRequest): Promise<StartedRun> {
    const valid = await this.definitions.validate(caller.project, body);
    const definitionHash = await this.definitions.store(caller.project, valid);
    const workflowId = valid.deployed.definition.spec.id;
    const sent = { route: 'executions', definition_hash: definitionHash };
    const before = await this.startedBefore(caller, workflowId, request.key);
    const version = before ?? (await this.workflows.deployValid(caller, valid, definitionHash)).version;
    const definition = valid.deployed.definition as unknown as JsonValue;
    const passwords = passwordsOf(definition);
    const workflow = { workflowId, version, definitionHash, isDeployed: true, passwords, sent };
    return this.begin(caller, workflow, request);
  }

  async cancel(caller: Principal, runId: string, reason: string, force: boolean): Promise<JsonObject> {
    const { result } = await this.runner.command(
      'run.cancel',
      { kind: 'run', project: caller.project, id: runId },
      { run_id: runId, reason, force, requested_by: caller.subject },
      { run_id: runId },
    );
    return result;
  }

  /** Accepted by the runner, or thrown. A repeat has the reply of the first, whatever has become of the workflow since. */
  private async begin(caller: Principal, workflow: PinnedWorkflow, request: RunRequest): Promise<StartedRun> {
    if (!workflow.isDeployed && (await this.startedBefore(caller, workflow.workflowId, request.key)) === undefined) {
      throw notDeployed(workflow);
    }
    const start = await this.preparing.take(() => this.prepare(caller, workflow, request));
    const { run_id: runId, workflow_id: workflowId, workflow_version: pinned, key } = start;
    const stream = { kind: 'run', project: caller.project, id: runId } as const;
    const facts = { run_id: runId, idempotency_key: key };
    const { result } =
      workflow.head === undefined
        ? await this.runner.command('run.start', stream, start, facts)
        : await this.runner.command('run.start-current', stream, { ...start, workflow_head: workflow.head }, facts);
    const { state, workflow_version: workflowVersion = pinned } = startedResult.parse(result);
    return { runId, workflowId, workflowVersion, definitionHash: start.definition_hash, state };
  }

  /** Stores what no message may carry: passwords in the clear, and values above the limit. */
  private async prepare(caller: Principal, workflow: PinnedWorkflow, request: RunRequest): Promise<RunStart> {
    const key = request.key ?? this.ids.newSecret();
    const { workflowId, version, definitionHash, passwords, sent } = workflow;
    const { project } = caller;
    const runId = runIdOf({ project, workflowId, source: apiSource, key });
    const inputs = await this.sealInputs(project, runId, passwords, request.inputs);
    return {
      run_id: runId,
      workflow_id: workflowId,
      workflow_version: version,
      definition_hash: definitionHash,
      inputs: await this.moveLarge(inputs),
      labels: request.labels,
      request_hash: requestHashOf({ ...sent, inputs, labels: request.labels }),
      key,
      started_by: caller.subject,
    };
  }

  private keyed(caller: Principal, workflowId: string | undefined, key: string | undefined): KeyedStart | undefined {
    if (key === undefined || workflowId === undefined) return undefined;
    const runId = runIdOf({ project: caller.project, workflowId, source: apiSource, key });
    return {
      facts: { run_id: runId, idempotency_key: key },
      hasBegun: async () => (await this.startedBefore(caller, workflowId, key)) !== undefined,
    };
  }

  /** The version that an earlier request with this key has started; its request hash is compared by the runner. */
  private async startedBefore(
    caller: Principal,
    workflowId: string,
    key: string | undefined,
  ): Promise<number | undefined> {
    if (key === undefined) return undefined;
    const runId = runIdOf({ project: caller.project, workflowId, source: apiSource, key });
    try {
      const { events } = await this.stateStore.query('run.history', {
        project: caller.project,
        run_id: runId,
        limit: 1,
      });
      const [started] = events;
      return started?.type === 'RunStarted' ? Number((started.data as JsonObject)['workflow_version']) : undefined;
    } catch (error) {
      if (error instanceof RejectedError && error.code === 'not-found') return undefined;
      throw error;
    }
  }

  /** Passwords are encrypted before anything is sent; the hash of the request is over their ids. */
  private async sealInputs(
    project: string,
    runId: string,
    passwords: readonly string[],
    inputs: JsonObject,
  ): Promise<JsonObject> {
    const sealed: JsonObject = { ...inputs };
    const stream = streamId('run', project, runId);
    for (const name of passwords) {
      const value = sealed[name];
      if (value === undefined || value === null) continue;
      if (typeof value !== 'string') {
        throw new InvalidRequestError('Invalid inputs', [
          { path: `inputs.${name}`, reason: 'expected a text for a password' },
        ]);
      }
      sealed[name] = await this.secrets.put({ streamId: stream, path: `inputs.${name}` }, value);
    }
    return sealed;
  }

  private async moveLarge(inputs: JsonObject): Promise<JsonObject> {
    const moved: JsonObject = {};
    for (const [name, value] of Object.entries(inputs)) {
      const isLarge = isLargerThan(value, this.options.limits.inlineValueBytes);
      moved[name] = isLarge ? { ...(await putValue(this.files, value)) } : value;
    }
    return moved;
  }
}

export function notDeployed({ workflowId }: Pick<PinnedWorkflow, 'workflowId'>): RejectedError {
  return new RejectedError({ code: 'conflict', message: `The workflow ${workflowId} is not deployed` });
}

const withWorkflowId = z.object({ spec: z.object({ id: z.string() }) });

/** Of a definition that nobody has validated yet. */
function workflowIdIn(definition: JsonValue): string | undefined {
  return withWorkflowId.safeParse(definition).data?.spec.id;
}
