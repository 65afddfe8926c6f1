import { setTimeout as wait } from 'node:timers/promises';
import { inFlight, type RestClient } from '../rest-client';

/** Every so many submissions one goes alone, the others in batches: both routes are pressed. */
const perBatch = 500;
const alonePercent = 20;

interface Item {
  readonly status: number;
  readonly run_id?: string;
  readonly retry_after?: number;
}

/**
 * Submissions, each under a key of its own, sent until each is accepted. One that is told to come later comes later; one that
 * has no answer is asked for again, and may have been accepted the first time.
 */
export class Submissions {
  /** How often one was told to come later, and how often there was no answer in time. */
  refused = 0;
  unanswered = 0;
  private readonly runIds: string[] = [];

  constructor(
    private readonly client: RestClient,
    private readonly workflowId: string,
    private readonly count: number,
  ) {}

  async sendAll(clients: number): Promise<readonly string[]> {
    const alone = Math.ceil((this.count * alonePercent) / 100);
    const calls: number[][] = Array.from({ length: alone }, (_, index) => [index]);
    for (let from = alone; from < this.count; from += perBatch) {
      calls.push(Array.from({ length: Math.min(perBatch, this.count - from) }, (_, index) => from + index));
    }
    // The batches first, all at once: the peak is at the beginning.
    calls.reverse();
    await inFlight(calls.length, clients, (index) => this.send(calls[index] ?? []));
    return this.runIds;
  }

  private async send(indexes: readonly number[]): Promise<void> {
    for (let left = indexes; left.length > 0;) {
      const items = left.length === 1 ? [await this.one(left[0] ?? 0)] : await this.batch(left);
      const again = left.filter((_, index) => !this.isAccepted(items[index]));
      if (again.length > 0) {
        const pauses = items.map(({ retry_after: seconds }) => seconds ?? 0);
        await wait(1_000 * Math.max(...pauses) * (1 + Math.random()));
      }
      left = again;
    }
  }

  private isAccepted(item: Item | undefined): boolean {
    if (item?.status === 202 && item.run_id !== undefined) {
      this.runIds.push(item.run_id);
      return true;
    }
    if (item?.status === 429) this.refused++;
    else if (item?.status === 503) this.unanswered++;
    else throw new Error(`Expected 202, 429 or 503, found ${JSON.stringify(item)}`);
    return false;
  }

  private async one(index: number): Promise<Item> {
    const path = `/v1/workflows/${this.workflowId}/runs`;
    const headers = { 'idempotency-key': String(index) };
    return this.answerTo(path, { inputs: {} }, headers);
  }

  private async batch(indexes: readonly number[]): Promise<readonly Item[]> {
    const runs = indexes.map((index) => ({ inputs: {}, idempotency_key: String(index) }));
    const answer = await this.answerTo(`/v1/workflows/${this.workflowId}/runs/batch`, { runs }, {});
    return 'items' in answer && Array.isArray(answer.items) ? (answer.items as Item[]) : indexes.map(() => answer);
  }

  private async answerTo(path: string, body: object, headers: Readonly<Record<string, string>>): Promise<Item> {
    const { status, text, retryAfter } = await this.client.post(path, body, headers);
    return { retry_after: retryAfter, ...(JSON.parse(text) as object), status };
  }
}
