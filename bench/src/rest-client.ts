import { Agent, request } from 'node:http';

/** Requests under way at once: what the peers' harness has, too. */
export const submitsInFlight = 100;
const answerWithinMs = 120_000;

/** Talks REST over kept connections, as a service that submits work would. */
export class RestClient {
  private readonly agent = new Agent({ keepAlive: true, maxSockets: submitsInFlight });
  private readonly host: string;
  private readonly port: string;

  constructor(
    readonly url: string,
    readonly token?: string,
  ) {
    ({ hostname: this.host, port: this.port } = new URL(url));
  }

  /** The body of an answer that must be a success. */
  ask<Answer>(method: 'GET' | 'POST', path: string, body?: unknown): Promise<Answer> {
    const text = body === undefined ? undefined : JSON.stringify(body);
    const headers = {
      ...(text === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
      ...(this.token === undefined ? {} : { authorization: `Bearer ${this.token}` }),
    };
    return new Promise<Answer>((resolve, reject) => {
      const { agent, host, port } = this;
      const asking = request({ agent, host, port, method, path, headers, timeout: answerWithinMs }, (answer) => {
        const parts: Buffer[] = [];
        answer.on('data', (part: Buffer) => parts.push(part));
        answer.on('error', reject);
        answer.on('end', () => {
          const found = Buffer.concat(parts).toString();
          const isGood = answer.statusCode !== undefined && answer.statusCode < 300;
          if (isGood) resolve(JSON.parse(found) as Answer);
          else reject(new Error(`Expected ${method} ${path} to succeed, found ${answer.statusCode}: ${found}`));
        });
      });
      asking.on('timeout', () => asking.destroy(new Error(`${method} ${path}: no answer in ${answerWithinMs} ms`)));
      asking.on('error', reject);
      asking.end(text);
    });
  }

  async deploy(definition: object): Promise<void> {
    await this.ask('POST', '/v1/workflows', definition);
  }

  /** Answers the run's id once the run is in the log. */
  async start(workflowId: string, inputs: object = {}): Promise<string> {
    const { run_id } = await this.ask<{ run_id: string }>('POST', `/v1/workflows/${workflowId}/runs`, { inputs });
    return run_id;
  }

  close(): void {
    this.agent.destroy();
  }
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
