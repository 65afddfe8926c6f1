import type { JsonObject, JsonValue } from '@ryax/contracts';
import * as answers from './answers';
import { type EngineClient } from './engine-client';

export interface RunOptions {
  readonly inputs: JsonObject;
  readonly labels: Readonly<Record<string, string>>;
  /** The same key gives the same run: what makes a repeat after a lost connection safe. */
  readonly key: string;
}

/** One run of a batch, as it is sent. */
export interface BatchRun {
  readonly inputs: JsonObject;
  readonly labels: Readonly<Record<string, string>>;
  readonly idempotency_key: string;
}

export interface RunFilter {
  readonly workflow: string | undefined;
  readonly state: string | undefined;
  readonly labels: readonly string[];
  readonly limit: number;
}

const gzip = 'application/gzip';

/** What can be asked of the engine, one method for each route. */
export class Engine {
  constructor(readonly client: EngineClient) {}

  validate(definition: JsonValue) {
    const request = { method: 'POST', json: definition, repeatable: true } as const;
    return this.client.ask('workflows/validate', answers.validation, request);
  }

  /** Equal content gives the version that it had before. */
  deploy(definition: JsonValue) {
    return this.client.ask('workflows', answers.deployment, { method: 'POST', json: definition, repeatable: true });
  }

  workflow(id: string) {
    return this.client.ask(`workflows/${encodeURIComponent(id)}`, answers.workflow);
  }

  uploadAction(archive: ReadableStream<Uint8Array>, publish: boolean) {
    const body = { type: gzip, content: archive };
    return this.client.ask('actions', answers.uploadedAction, {
      method: 'POST',
      query: { publish: String(publish) },
      body,
    });
  }

  actions(cursor?: string) {
    return this.client.ask('actions', answers.actionList, { query: { cursor } });
  }

  /** @param content a file's bytes, or a directory as tar.gz */
  async uploadFile(name: string, kind: 'file' | 'directory', content: ReadableStream<Uint8Array>): Promise<JsonObject> {
    const body = { type: kind === 'file' ? 'application/octet-stream' : gzip, content };
    const request = { method: 'POST', query: { name, kind }, body } as const;
    return (await this.client.ask('files', answers.uploadedFile, request)).value;
  }

  async download(hash: string): Promise<ReadableStream<Uint8Array>> {
    const response = await this.client.open(`files/${hash.replace(/^sha256:/, '')}`);
    return response.body ?? new Blob([]).stream();
  }

  /** Validates, deploys and starts in one call. */
  execute(definition: JsonValue, options: RunOptions) {
    return this.start('executions', { definition }, options);
  }

  startRun(workflowId: string, options: RunOptions) {
    return this.start(`workflows/${encodeURIComponent(workflowId)}/runs`, {}, options);
  }

  /** At most `limits.runsPerBatch`; one answer for each, in their order. */
  startRuns(workflowId: string, runs: readonly BatchRun[]) {
    const request = { method: 'POST', json: { runs }, repeatable: true } as const;
    const path = `workflows/${encodeURIComponent(workflowId)}/runs/batch`;
    return this.client.ask(path, answers.startedBatch(runs.length), request);
  }

  runs({ workflow, state, labels, limit }: RunFilter) {
    return this.client.ask('runs', answers.runList, { query: { workflow_id: workflow, state, label: labels, limit } });
  }

  async run(runId: string, query: { version?: number; limit?: number; cursor?: string } = {}) {
    return (await this.client.ask(runPath(runId), answers.runAnswer, { query })).run;
  }

  history(runId: string, afterVersion = 0, limit = 1000) {
    const query = { after_version: afterVersion, limit };
    return this.client.ask(`${runPath(runId)}/history`, answers.history, { query });
  }

  results(runId: string) {
    return this.client.ask(`${runPath(runId)}/results`, answers.results);
  }

  cancel(runId: string, reason: string | undefined, force: boolean) {
    const json = { force, ...(reason === undefined ? {} : { reason }) };
    return this.client.ask(`${runPath(runId)}/cancel`, answers.cancelledRun, {
      method: 'POST',
      json,
      repeatable: true,
    });
  }

  log(
    runId: string,
    execution: string,
    query: { follow?: string; attempt?: number },
    signal: AbortSignal,
  ): Promise<Response> {
    return this.client.open(`${runPath(runId)}/executions/${encodeURIComponent(execution)}/log`, { query, signal });
  }

  deadLetters(limit: number) {
    return this.client.ask('dead-letters', answers.deadLetterList, { query: { limit } });
  }

  deadLetter(id: string) {
    return this.client.ask(deadLetterPath(id), answers.deadLetterAnswer);
  }

  /** Not repeated when its answer is lost: a letter that is gone by then would look like one that never was. */
  replayDeadLetter(id: string) {
    return this.client.ask(`${deadLetterPath(id)}/replay`, answers.replayedLetter, { method: 'POST' });
  }

  async dropDeadLetter(id: string): Promise<void> {
    await this.client.ask(deadLetterPath(id), answers.nothing, { method: 'DELETE' });
  }

  rebuildReadModels() {
    return this.client.ask('admin/rebuild', answers.rebuild, { method: 'POST', repeatable: true });
  }

  rebuildProgress() {
    return this.client.ask('admin/rebuild', answers.rebuild);
  }

  private start(path: string, what: JsonObject, { inputs, labels, key }: RunOptions): Promise<answers.StartedRun> {
    return this.client.ask(path, answers.startedRun, {
      method: 'POST',
      json: { ...what, inputs, labels },
      headers: { 'idempotency-key': key },
      repeatable: true,
    });
  }
}

function deadLetterPath(id: string): string {
  return `dead-letters/${encodeURIComponent(id)}`;
}

export function runPath(runId: string): string {
  return `runs/${encodeURIComponent(runId)}`;
}
