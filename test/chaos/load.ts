import { setTimeout as wait } from 'node:timers/promises';
import type { JsonObject } from '@ryax/contracts';
import type { AcceptedRun, Violation } from './checks';
import type { Random } from './random';
import { definitionOf, type Shape } from './shape';
import { shapes } from './shapes';

/** Between two requests: some 15 steps a second, which leaves two cores time for the faults. */
const gapMs = [150, 450] as const;
/** A request that is not answered is sent again under its key. */
const answerWithinMs = 12_000;
const askAgainMs = 250;
/** Longer than any outage of the campaign; what is not accepted then will never be. */
const acceptWithinMs = 180_000;
/** Callers that wait for an answer at once. */
const mostUnderway = 200;
const tooMany = 429;
const cancelAfterMs = [100, 2_500] as const;
/** Every so many requests one is repeated although it was answered: the same run must come back. */
const repeatEvery = 7;

/** How long one request took, in milliseconds of this machine's clock. */
export interface Wait {
  readonly askedAt: number;
  readonly tookMs: number;
}

interface Answer {
  readonly status: number;
  /** When it may be asked again, where the answer says so. */
  readonly retryAfterMs: number | undefined;
  readonly body: { readonly run_id?: string };
}

/** Submits runs of all shapes through REST, as a caller who never gives up would. */
export class Load {
  readonly accepted: AcceptedRun[] = [];
  readonly violations: Violation[] = [];
  readonly waits: Wait[] = [];
  private readonly underway = new Set<Promise<void>>();
  private submitted = 0;

  constructor(
    private readonly target: { readonly url: string; readonly bearer: string; readonly journalFile: string },
    private readonly random: Random,
    private readonly keyPrefix: string,
  ) {}

  async deploy(): Promise<void> {
    for (const shape of shapes) {
      const path = '/v1/workflows';
      const { status, body } = await this.ask(path, definitionOf(shape, this.target.journalFile));
      if (status >= 300)
        throw new Error(`Expected ${shape.id} to be deployed, found ${status} ${JSON.stringify(body)}`);
    }
  }

  /** Until the signal; then what was asked for is still answered. */
  async run(signal: AbortSignal): Promise<void> {
    let round: Shape[] = [];
    while (!signal.aborted) {
      if (round.length === 0) round = this.random.shuffled(shapes);
      const shape = this.underway.size < mostUnderway ? round.pop() : undefined;
      if (shape !== undefined) this.submit(shape);
      await wait(this.random.between(...gapMs), undefined, { signal }).catch(() => undefined);
    }
    await Promise.all(this.underway);
  }

  private submit(shape: Shape): void {
    const number = ++this.submitted;
    const inputs = shape.inputs(this.random);
    const cancelMs = this.random.between(...cancelAfterMs);
    const key = `${this.keyPrefix}-${number}`;
    const work = this.start(shape, inputs, key, number % repeatEvery === 0)
      .then((runId) => (shape.isCancelled === true && runId !== undefined ? this.cancel(runId, cancelMs) : undefined))
      .finally(() => this.underway.delete(work));
    this.underway.add(work);
  }

  private async start(shape: Shape, inputs: JsonObject, key: string, isRepeated: boolean): Promise<string | undefined> {
    const path = `/v1/workflows/chaos-${shape.id}/runs`;
    const runIdOf = ({ body }: Answer) => body.run_id ?? '';
    const runId = await this.untilDone(path, { inputs }, key, runIdOf, (wait) => this.waits.push(wait));
    if (runId === undefined) return undefined;
    this.accepted.push({ runId, shape, inputs });
    if (!isRepeated) return runId;
    const again = await this.untilDone(path, { inputs }, key, runIdOf);
    if (again !== undefined && again !== runId) {
      this.violations.push({ category: 'wrong', subject: key, what: `the key gave run ${runId}, and then ${again}` });
    }
    return runId;
  }

  private async cancel(runId: string, afterMs: number): Promise<void> {
    await wait(afterMs);
    await this.untilDone(`/v1/runs/${runId}/cancel`, { reason: 'the campaign cancels it' }, undefined, () => runId);
  }

  /** Asks until it is done. What is refused for good, or never answered, is a violation. */
  private async untilDone(
    path: string,
    body: JsonObject,
    key: string | undefined,
    done: (answer: Answer) => string,
    onDone: (wait: Wait) => void = () => undefined,
  ): Promise<string | undefined> {
    let askedAt = Date.now();
    let found = 'no answer';
    let pauseMs = askAgainMs;
    while (Date.now() - askedAt < acceptWithinMs) {
      try {
        const answer = await this.ask(path, body, key);
        if (answer.status < 300) {
          onDone({ askedAt, tookMs: Date.now() - askedAt });
          return done(answer);
        }
        found = `${answer.status} ${JSON.stringify(answer.body)}`;
        pauseMs = answer.retryAfterMs ?? askAgainMs;
        // There is no room, which is an answer: from now on it may take as long again.
        if (answer.status === tooMany) askedAt = Date.now();
        else if (answer.status < 500) break;
      } catch (error) {
        found = String(error);
        pauseMs = askAgainMs;
      }
      await wait(pauseMs);
    }
    this.violations.push({
      category: 'stuck',
      subject: key ?? path,
      what: `it was not accepted in ${acceptWithinMs / 1000} s: ${found}`,
    });
    return undefined;
  }

  private async ask(path: string, body: JsonObject, key?: string): Promise<Answer> {
    const response = await fetch(`${this.target.url}${path}`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${this.target.bearer}`,
        'content-type': 'application/json',
        ...(key === undefined ? {} : { 'idempotency-key': key }),
      },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(answerWithinMs),
    });
    const retryAfter = response.headers.get('retry-after');
    return {
      status: response.status,
      retryAfterMs: retryAfter === null ? undefined : 1_000 * Number(retryAfter),
      body: (await response.json()) as Answer['body'],
    };
  }
}
