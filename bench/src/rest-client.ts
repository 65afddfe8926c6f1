import { setTimeout as wait } from 'node:timers/promises';
import { Agent, request, type IncomingMessage } from 'node:http';

/** Requests under way at once: what the peers' harness has, too. */
export const submitsInFlight = 100;
const answerWithinMs = 120_000;
/** Of an engine that is starting. */
const askAgainMs = 20;

interface Asking {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The call succeeds whatever becomes of its items: each says it for itself. */
interface BatchItem {
  readonly status: number;
  readonly run_id: string;
}

interface Answered {
  readonly status: number;
  readonly text: string;
  /** In seconds, where the answer says when to ask again. */
  readonly retryAfter: number;
}

/** Talks REST over kept connections, as a service that submits work would. */
export class RestClient {
  private readonly agent: Agent;
  private readonly host: string;
  private readonly port: string;

  constructor(
    readonly url: string,
    readonly token?: string,
    maxSockets = submitsInFlight,
  ) {
    this.agent = new Agent({ keepAlive: true, maxSockets });
    ({ hostname: this.host, port: this.port } = new URL(url));
  }

  /** The body of an answer that must be a success. */
  async ask<Answer>(method: 'GET' | 'POST', path: string, body?: unknown): Promise<Answer> {
    const { status, text } = await this.exchange(method, path, { body });
    if (status >= 300) throw new Error(`Expected ${method} ${path} to succeed, found ${status}: ${text}`);
    return JSON.parse(text) as Answer;
  }

  async deploy(definition: object): Promise<void> {
    await this.ask('POST', '/v1/workflows', definition);
  }

  /** Answers the run's id once the run is in the log. */
  async start(workflowId: string, inputs: object = {}): Promise<string> {
    const { run_id } = await this.ask<{ run_id: string }>('POST', `/v1/workflows/${workflowId}/runs`, { inputs });
    return run_id;
  }

  /** Starts so many runs in one call; answers their ids once all of them are in the log. */
  async startBatch(workflowId: string, count: number): Promise<string[]> {
    const runs = Array.from({ length: count }, () => ({}));
    const { items } = await this.ask<{ items: readonly BatchItem[] }>(
      'POST',
      `/v1/workflows/${workflowId}/runs/batch`,
      { runs },
    );
    const refused = items.find(({ status }) => status !== 202);
    if (refused !== undefined || items.length !== count) {
      throw new Error(`Expected ${count} runs to be accepted, found ${items.length}: ${JSON.stringify(refused)}`);
    }
    return items.map(({ run_id }) => run_id);
  }

  /**
   * Starts a run of an engine that may be down: the id of the run once it is in the log, however often it has to be asked for under
   * this key.
   */
  async startUntilAccepted(workflowId: string, key: string, withinMs: number): Promise<string> {
    const deadline = performance.now() + withinMs;
    const headers = { 'idempotency-key': key };
    let found = 'no answer';
    while (performance.now() < deadline) {
      try {
        const path = `/v1/workflows/${workflowId}/runs`;
        const { status, text } = await this.exchange('POST', path, { body: { inputs: {} }, headers });
        if (status === 202) return (JSON.parse(text) as { run_id: string }).run_id;
        found = `${status}: ${text}`;
      } catch (error) {
        found = String(error);
      }
      await wait(askAgainMs);
    }
    throw new Error(`Expected a run of ${workflowId} to be accepted in ${withinMs} ms, found ${found}`);
  }

  /** Whatever it is answered with. */
  post(path: string, body: unknown, headers: Readonly<Record<string, string>>): Promise<Answered> {
    return this.exchange('POST', path, { body, headers });
  }

  close(): void {
    this.agent.destroy();
  }

  private exchange(method: 'GET' | 'POST', path: string, { body, headers: others = {} }: Asking): Promise<Answered> {
    const text = body === undefined ? undefined : JSON.stringify(body);
    const headers = {
      ...(text === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
      ...(this.token === undefined ? {} : { authorization: `Bearer ${this.token}` }),
      ...others,
    };
    return new Promise((resolve, reject) => {
      const { agent, host, port } = this;
      const asking = request({ agent, host, port, method, path, headers, timeout: answerWithinMs }, (answer) => {
        const parts: Buffer[] = [];
        answer.on('data', (part: Buffer) => parts.push(part));
        answer.on('error', reject);
        answer.on('end', () => resolve(answered(answer, parts)));
      });
      asking.on('timeout', () => asking.destroy(new Error(`${method} ${path}: no answer in ${answerWithinMs} ms`)));
      asking.on('error', reject);
      asking.end(text);
    });
  }
}

function answered({ statusCode, headers }: IncomingMessage, parts: readonly Buffer[]): Answered {
  const text = Buffer.concat(parts).toString();
  return { status: statusCode ?? 0, text, retryAfter: Number(headers['retry-after'] ?? 0) };
}

/** Does `task` for 0 … count-1, at most `width` at once, and keeps the answers in order. */
export async function inFlight<T>(count: number, width: number, task: (index: number) => Promise<T>): Promise<T[]> {
  const answers: T[] = [];
  let next = 0;
  const lane = async () => {
    while (next < count) {
      const index = next++;
      answers[index] = await task(index);
    }
  };
  await Promise.all(Array.from({ length: Math.min(width, count) }, lane));
  return answers;
}
