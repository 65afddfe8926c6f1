import { z } from 'zod';
import { LinkedSignal } from '@ryax/platform';
import { actionPort } from '../pod-spec';

const executionSchema = z.object({
  attempt: z.object({ run_id: z.string(), execution: z.string(), attempt: z.int().positive() }),
  origin: z.unknown(),
  status: z.enum(['running', 'ended']),
  /** Missing in what servers of older images say. */
  ran_ms: z.number().nonnegative().optional(),
});
const stateSchema = z.object({
  status: z.enum(['ready', 'loading', 'failed']),
  execution: executionSchema.nullable(),
});

/** The attempt that a server runs, or has ended and nobody has settled. */
export type ServedExecution = z.infer<typeof executionSchema>;
export type ServerState = z.infer<typeof stateSchema>;
export type ServerStatus = ServerState['status'];

/** These answers need nothing but the server itself. */
const answerMs = 5_000;

/** Where a warm pod is called, and by what it knows us. */
export interface PodAddress {
  readonly host: string;
  readonly token: string;
}

/** The server has answered, and not as agreed: it is of a time before warm pods, or the token is not its own. */
export class PodServerRefusal extends Error {
  constructor(
    readonly status: number,
    reason: string,
  ) {
    super(`The action's server refused (${status}): ${reason}`);
    this.name = 'PodServerRefusal';
  }
}

/** What is said to the server in a pod beside the attempts themselves. Each rejects with a PodServerRefusal, or where it is not reached. */
export class PodServer {
  constructor(private readonly address: PodAddress) {}

  /** From now on only this executor may begin attempts there. Answers what was begun before. */
  async claim(owner: string, signal: AbortSignal): Promise<ServerState> {
    return stateSchema.parse(await this.ask('POST', '/claim', { owner }, signal));
  }

  async state(signal: AbortSignal): Promise<ServerState> {
    return stateSchema.parse(await this.ask('GET', '/execution', undefined, signal));
  }

  /** The outcome of the attempt is in the log. Answers how the handler is. */
  async settle(attempt: ServedExecution['attempt']): Promise<ServerStatus> {
    const answer = await this.ask('POST', '/settle', { attempt });
    return stateSchema.pick({ status: true }).parse(answer).status;
  }

  private async ask(method: string, path: string, body: object | undefined, signal?: AbortSignal): Promise<unknown> {
    const either = new LinkedSignal(AbortSignal.timeout(answerMs), ...(signal === undefined ? [] : [signal]));
    try {
      return await this.answer(path, method, body, either.signal);
    } finally {
      either.unlink();
    }
  }

  private async answer(path: string, method: string, body: object | undefined, signal: AbortSignal): Promise<unknown> {
    const { host, token } = this.address;
    const authority = host.includes(':') ? `[${host}]` : host;
    const response = await fetch(`http://${authority}:${actionPort}${path}`, {
      method,
      // One request at a time, and then none for long: connections to thousands of pods are not kept.
      headers: { authorization: `Bearer ${token}`, connection: 'close' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      signal,
    });
    const text = await response.text();
    if (!response.ok) throw new PodServerRefusal(response.status, text.slice(0, 500).trim());
    return JSON.parse(text);
  }
}
