import type { CoreV1Event, V1Pod, V1Secret } from '@kubernetes/client-node';
import type { Counter } from 'prom-client';
import { judgeAnswer, type ApiAnswer, type ApiVerdict } from '../api-answer';
import type { ApiRequest, ApiStream, ClusterConnection } from './connection';
import type { RequestBudget } from './request-budget';

/** What came of a request: the object, or what to do instead. */
export type Answered<T> = { readonly verdict: 'ok'; readonly object: T } | Refused;
export type Refused = Exclude<ApiVerdict, { readonly verdict: 'ok' }>;
/** A refusal in a few words, for logs and messages. */
export function reasonOf(refused: Refused): string {
  return refused.verdict === 'rejected' ? refused.failure.message : refused.message;
}

export interface PodList {
  readonly items: readonly V1Pod[];
  readonly resourceVersion: string;
}

/** A stream, or why there is none. `status` is that of the answer: a log that is not there yet is told by it alone. */
export type Streamed = ApiStream | { readonly type: 'refused'; readonly status: number; readonly refused: Refused };

export interface PodApiOptions {
  readonly namespace: string;
  /** Which pods are listed and watched. */
  readonly labelSelector: string;
}

/** An answer to anything but a stream may take so long. */
const answerMs = 30_000;
/** Thousands of pods make a long list, so it is read in pages. */
const pageSize = 500;
const mostPages = 1_000;
/** The server ends a watch after so long, and it is begun anew. */
const watchSeconds = 300;
const mergePatch = 'application/merge-patch+json';

/** The requests that an executor makes of the API server, all of them within one budget. None rejects, unless it is aborted. */
export class PodApi {
  constructor(
    private readonly connection: ClusterConnection,
    private readonly budget: RequestBudget,
    private readonly options: PodApiOptions,
    private readonly requests: Counter<'verb' | 'verdict'>,
  ) {}

  create(pod: V1Pod, signal: AbortSignal): Promise<Answered<V1Pod>> {
    return this.ask('create', { method: 'POST', path: this.pods, body: pod }, signal);
  }

  createSecret(secret: V1Secret, signal: AbortSignal): Promise<Answered<V1Secret>> {
    const path = `/api/v1/namespaces/${this.options.namespace}/secrets`;
    return this.ask('create', { method: 'POST', path, body: secret }, signal);
  }

  read(name: string, signal: AbortSignal): Promise<Answered<V1Pod>> {
    return this.ask('get', { method: 'GET', path: this.pod(name) }, signal);
  }

  /** Only that pod, not a later one of its name; and, where a version is given, only as it then was. */
  label(pod: V1Pod, labels: Readonly<Record<string, string>>, signal: AbortSignal): Promise<Answered<V1Pod>> {
    const { name = '', uid, resourceVersion } = pod.metadata ?? {};
    const body = { metadata: { uid, resourceVersion, labels } };
    return this.ask('patch', { method: 'PATCH', path: this.pod(name), body, contentType: mergePatch }, signal);
  }

  /** Only that pod. @param graceSeconds between SIGTERM and SIGKILL; as the pod has it where it is not given */
  remove(name: string, uid: string, graceSeconds: number | undefined, signal: AbortSignal): Promise<Answered<V1Pod>> {
    const body = {
      kind: 'DeleteOptions',
      apiVersion: 'v1',
      ...(graceSeconds !== undefined && { gracePeriodSeconds: graceSeconds }),
      preconditions: { uid },
      propagationPolicy: 'Background',
    };
    return this.ask('delete', { method: 'DELETE', path: this.pod(name), body }, signal);
  }

  /** As the server has them now, not a cache of it. @param more of the site's, only those with these labels as well */
  async list(signal: AbortSignal, more?: string): Promise<Answered<PodList>> {
    const labelSelector = [this.options.labelSelector, ...(more === undefined ? [] : [more])].join(',');
    for (;;) {
      const listed = await this.listPages(labelSelector, signal);
      if (listed.verdict !== 'expired') return listed;
    }
  }

  /** What the cluster says of a pod beside its status. */
  async events(uid: string, signal: AbortSignal): Promise<readonly CoreV1Event[]> {
    const query = { fieldSelector: `involvedObject.uid=${uid}` };
    const path = `/api/v1/namespaces/${this.options.namespace}/events`;
    const answered = await this.ask<{ readonly items?: CoreV1Event[] }>('list', { method: 'GET', path, query }, signal);
    return answered.verdict === 'ok' ? (answered.object.items ?? []) : [];
  }

  /** What changes after that version. @param silenceMs longer without a word, and the stream breaks */
  watch(resourceVersion: string, silenceMs: number, signal: AbortSignal): Promise<Streamed> {
    const query = {
      watch: 'true',
      allowWatchBookmarks: 'true',
      labelSelector: this.options.labelSelector,
      resourceVersion,
      timeoutSeconds: String(watchSeconds),
    };
    return this.stream('watch', { method: 'GET', path: this.pods, query }, silenceMs, signal);
  }

  /** Lines with their times. @param since RFC 3339, of which the server heeds whole seconds */
  log(
    name: string,
    { container, since, follow }: { container: string; since: string | undefined; follow: boolean },
    silenceMs: number,
    signal: AbortSignal,
  ): Promise<Streamed> {
    const query = {
      container,
      timestamps: 'true',
      sinceTime: since,
      follow: follow ? 'true' : undefined,
    };
    return this.stream('log', { method: 'GET', path: `${this.pod(name)}/log`, query }, silenceMs, signal);
  }

  private get pods(): string {
    return `/api/v1/namespaces/${this.options.namespace}/pods`;
  }

  private pod(name: string): string {
    return `${this.pods}/${name}`;
  }

  private async listPages(labelSelector: string, signal: AbortSignal): Promise<Answered<PodList>> {
    const items: V1Pod[] = [];
    let next: string | undefined;
    for (let page = 0; page < mostPages; page++) {
      const query = { labelSelector, limit: String(pageSize), continue: next };
      const answered = await this.ask<ListPage>('list', { method: 'GET', path: this.pods, query }, signal);
      if (answered.verdict !== 'ok') return answered;
      const { metadata, items: more = [] } = answered.object;
      items.push(...more);
      next = metadata?.continue === '' ? undefined : metadata?.continue;
      if (next === undefined) {
        return { verdict: 'ok', object: { items, resourceVersion: metadata?.resourceVersion ?? '' } };
      }
    }
    throw new Error(`Expected at most ${mostPages} pages of pods`);
  }

  private async ask<T>(verb: string, request: ApiRequest, signal: AbortSignal): Promise<Answered<T>> {
    await this.budget.take(signal);
    const answer = await this.connection.send(request, { timeoutMs: answerMs, signal });
    signal.throwIfAborted();
    const object = answer.type === 'answer' && answer.status < 300 ? objectIn(answer.body) : undefined;
    const refused = this.judge(verb, answer);
    if (refused !== undefined) return refused;
    if (object !== undefined) return { verdict: 'ok', object: object as T };
    return { verdict: 'unavailable', retryAfterMs: undefined, message: 'The answer is no JSON object' };
  }

  private async stream(verb: string, request: ApiRequest, timeoutMs: number, signal: AbortSignal): Promise<Streamed> {
    await this.budget.take(signal);
    const answer = await this.connection.stream(request, { timeoutMs, signal });
    signal.throwIfAborted();
    if (answer.type === 'stream') {
      this.requests.inc({ verb, verdict: 'ok' });
      return answer;
    }
    const status = answer.type === 'answer' ? answer.status : 0;
    const refused = this.judge(verb, answer) ?? {
      verdict: 'unavailable',
      retryAfterMs: undefined,
      message: 'no stream',
    };
    return { type: 'refused', status, refused };
  }

  /** Counts it, and leaves a busy server alone. */
  private judge(verb: string, answer: ApiAnswer): Refused | undefined {
    const verdict = judgeAnswer(answer);
    this.requests.inc({ verb, verdict: verdict.verdict });
    if (verdict.verdict === 'ok') return undefined;
    if (verdict.verdict === 'throttled') this.budget.pause(verdict.retryAfterMs);
    return verdict;
  }
}

interface ListPage {
  readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string };
  readonly items?: V1Pod[];
}

function objectIn(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
