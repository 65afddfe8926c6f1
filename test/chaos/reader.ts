import { setTimeout as wait } from 'node:timers/promises';
import type { Violation } from './checks';

const lookEveryMs = 500;
const askAgainMs = 500;
/** Longer than any outage of the campaign, and a whole rebuild. */
const rebuiltWithinMs = 180_000;

interface Answer {
  readonly status: number;
  readonly body: {
    readonly items?: readonly { readonly run_id: string }[];
    readonly next_cursor?: string | null;
    readonly rebuilding?: boolean;
  };
}

/** Asks the engine; throws where there is no answer. */
export type Ask = (method: 'GET' | 'POST', path: string) => Promise<Answer>;

/**
 * Somebody who looks at the list of runs and at single runs all the time, and once has the read models built anew: a run that
 * was to be seen stays to be seen. No answer, and an error of the server, is an outage and says nothing.
 */
export class Reader {
  readonly violations: Violation[] = [];
  /** Lists that were read to their end. */
  looks = 0;
  private readonly seen = new Set<string>();
  private next = 0;

  constructor(private readonly ask: Ask) {}

  /** Until the signal. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.look().catch(() => undefined);
      await wait(lookEveryMs, undefined, { signal }).catch(() => undefined);
    }
  }

  /** Reads the whole list, and one of the runs that it has shown. */
  async look(): Promise<void> {
    const known = [...this.seen];
    const listed = await this.listRuns();
    if (listed === undefined) return;
    this.looks++;
    for (const runId of known)
      if (!listed.has(runId)) this.miss(runId, 'the list of runs has shown it, and does not any more');
    for (const runId of listed) this.seen.add(runId);
    const runId = known[this.next++ % known.length];
    if (runId === undefined) return;
    const { status } = await this.ask('GET', `/v1/runs/${runId}`);
    if (status === 404) this.miss(runId, 'the list of runs has shown it, and by itself it is not found');
  }

  /** Has the read models built anew, and waits until they are. */
  async rebuild(signal: AbortSignal): Promise<void> {
    const deadline = performance.now() + rebuiltWithinMs;
    const isOver = () => signal.aborted || performance.now() >= deadline;
    let isAsked = false;
    while (!isOver()) {
      const { status, body }: Answer = await this.ask(isAsked ? 'GET' : 'POST', '/v1/admin/rebuild').catch(
        () => noAnswer,
      );
      if (isAsked && status === 200 && body.rebuilding === false) return;
      isAsked ||= status === 202;
      await wait(askAgainMs, undefined, { signal }).catch(() => undefined);
    }
    const what = `${isAsked ? 'it was not done' : 'it was not accepted'} in ${rebuiltWithinMs / 1000} s`;
    if (!signal.aborted) this.violations.push({ category: 'stuck', subject: 'rebuild of the read models', what });
  }

  /** Undefined when a page was not to be had. */
  private async listRuns(): Promise<ReadonlySet<string> | undefined> {
    const listed = new Set<string>();
    let cursor = '';
    do {
      const { status, body } = await this.ask('GET', `/v1/runs?limit=1000${cursor}`);
      if (status !== 200) return undefined;
      for (const { run_id } of body.items ?? []) listed.add(run_id);
      cursor = typeof body.next_cursor === 'string' ? `&cursor=${encodeURIComponent(body.next_cursor)}` : '';
    } while (cursor !== '');
    return listed;
  }

  /** Once for each run. */
  private miss(runId: string, what: string): void {
    if (this.violations.some(({ subject }) => subject === runId)) return;
    this.violations.push({ category: 'wrong', subject: runId, what });
  }
}

const noAnswer: Answer = { status: 0, body: {} };
const answerWithinMs = 12_000;

/** Through REST, as everybody does. */
export function askingRest({ url, bearer }: { readonly url: string; readonly bearer: string }): Ask {
  return async (method, path) => {
    const headers = { authorization: `Bearer ${bearer}` };
    const response = await fetch(`${url}${path}`, { method, headers, signal: AbortSignal.timeout(answerWithinMs) });
    return { status: response.status, body: (await response.json()) as Answer['body'] };
  };
}
