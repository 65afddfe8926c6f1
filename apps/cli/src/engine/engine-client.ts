import { setTimeout as wait } from 'node:timers/promises';
import type { Fault } from '@ryax/contracts';
import { z } from 'zod';
import { causeOf, codeOf, messageOf, nameOf } from '../error-facts';
import { type CliError, RefusedError, UnreachableError } from '../errors';
import { refusal } from './answers';

export interface EngineOptions {
  readonly url: string;
  readonly token: string | undefined;
}

export interface EngineRequest {
  readonly method?: 'GET' | 'POST' | 'DELETE';
  readonly query?: Readonly<Record<string, string | number | readonly string[] | undefined>>;
  /** Sent as JSON. */
  readonly json?: unknown;
  /** Sent as it is. */
  readonly body?: { readonly type: string; readonly content: string | ReadableStream<Uint8Array> };
  readonly headers?: Readonly<Record<string, string>>;
  /** A repeat does no harm, so that one is sent when no answer comes. A GET always is. */
  readonly repeatable?: boolean;
  readonly signal?: AbortSignal;
}

/** Pauses before each repeat: together longer than a service needs to be replaced by another replica. */
export const repeatAfterMs = [200, 1_000, 3_000];
/** For an answer that is one JSON document; uploads and streams take as long as they take. */
const answerPatienceMs = 60_000;

/** The engine's REST. Throws RefusedError for a no, UnreachableError when there is no answer. */
export class EngineClient {
  constructor(private readonly options: EngineOptions) {}

  get url(): string {
    return this.options.url;
  }

  /** Asks, and parses the answer. */
  async ask<T>(path: string, answer: z.ZodType<T>, request: EngineRequest = {}): Promise<T> {
    const patience = request.body === undefined ? AbortSignal.timeout(answerPatienceMs) : undefined;
    const signals = [patience, request.signal].filter((signal) => signal !== undefined);
    const response = await this.open(path, { ...request, signal: AbortSignal.any(signals) });
    const parsed = answer.safeParse(await this.bodyOf(response));
    if (parsed.success) return parsed.data;
    const message = `${this.options.url} answered something else than a Ryax engine does: ${z.prettifyError(parsed.error)}`;
    throw new UnreachableError(message, [], 'Check RYAX_URL, and that the engine and this program are of one version.');
  }

  /** Asks, and leaves the answer's body to the caller. */
  async open(path: string, request: EngineRequest = {}): Promise<Response> {
    const { method = 'GET', repeatable = method === 'GET' } = request;
    const pauses = repeatable ? repeatAfterMs : [];
    for (const pause of pauses) {
      try {
        return await this.send(path, request);
      } catch (error) {
        if (!(error instanceof UnreachableError) || isRefusedConnection(error)) throw error;
        await wait(pause, undefined, request.signal === undefined ? {} : { signal: request.signal });
      }
    }
    return this.send(path, request);
  }

  private async send(path: string, request: EngineRequest): Promise<Response> {
    const url = this.urlOf(path, request.query);
    let response: Response;
    try {
      response = await fetch(url, this.requestInit(request));
    } catch (error) {
      if (request.signal?.aborted === true && !isTimeout(error)) throw error;
      throw this.unreachable(error);
    }
    if (response.ok) return response;
    throw await this.refused(response);
  }

  private requestInit({ method = 'GET', json, body, headers = {}, signal }: EngineRequest): RequestInit {
    const { token } = this.options;
    const sent = json === undefined ? body : { type: 'application/json', content: JSON.stringify(json) };
    return {
      method,
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(sent === undefined ? {} : { 'content-type': sent.type }),
        ...headers,
      },
      ...(sent === undefined ? {} : { body: sent.content, duplex: 'half' }),
      ...(signal === undefined ? {} : { signal }),
    };
  }

  private urlOf(path: string, query: EngineRequest['query'] = {}): URL {
    const url = new URL(`${this.options.url.replace(/\/+$/, '')}/v1/${path}`);
    for (const [name, value] of Object.entries(query)) {
      const values = value === undefined ? [] : typeof value === 'object' ? value : [value];
      for (const each of values) url.searchParams.append(name, String(each));
    }
    return url;
  }

  private async bodyOf(response: Response): Promise<unknown> {
    try {
      return response.status === 204 ? {} : await response.json();
    } catch (error) {
      if (nameOf(error) === 'SyntaxError') return undefined;
      throw this.unreachable(error);
    }
  }

  private async refused(response: Response): Promise<CliError> {
    const parsed = refusal.safeParse(await this.bodyOf(response));
    const { status } = response;
    const error = parsed.success ? parsed.data.error : `${this.options.url} answered ${status} ${response.statusText}`;
    const details: readonly Fault[] = parsed.success ? parsed.data.details : [];
    // No room now: as with an engine that cannot answer, the same may be asked again.
    if (status >= 500 || status === 429)
      return new UnreachableError(error, details, 'Try again; the log of the engine says more.');
    return new RefusedError(status, error, details, adviceByStatus[status]);
  }

  private unreachable(error: unknown): UnreachableError {
    const cause = causeOf(error) ?? error;
    const reason = isTimeout(error) ? 'no answer in time' : messageOf(cause);
    const advice = 'Start an engine with `npm start`, or set RYAX_URL to where one runs.';
    return new UnreachableError(`Cannot reach the engine at ${this.options.url}: ${reason}`, [], advice, { cause });
  }
}

const adviceByStatus: Readonly<Record<number, string>> = {
  401: 'Set RYAX_TOKEN to a token of this engine.',
  403: 'Ask for a token with this scope, and set it as RYAX_TOKEN.',
};

function isTimeout(error: unknown): boolean {
  return nameOf(error) === 'TimeoutError';
}

/** Nobody listens there: waiting for it would only hide that. */
function isRefusedConnection({ cause }: UnreachableError): boolean {
  return ['ECONNREFUSED', 'ENOTFOUND'].includes(codeOf(cause) ?? '');
}
