import type { V1Pod } from '@kubernetes/client-node';
import { backoffMs, wait } from '@ryax/platform';
import type { PodApi } from '../cluster/pod-api';
import { ownerLabel } from '../ownership';
import type { PodIdentity } from '../pod-name';
import { tokenIn } from '../pod-spec';
import { statusOfMain } from '../pod-status';
import { PodServer } from './pod-server';
import { foreignWarmPods } from './warm-kind';

/** What the warm pods of other executors have said. */
interface Found {
  readonly attempts: ReadonlySet<string>;
  /** One of them has not answered: it may run anything. */
  readonly isIncomplete: boolean;
}

interface Round {
  readonly found: Promise<Found>;
  next: Promise<Found> | undefined;
}

const retry = { initialMs: 250, maxMs: 15_000 };
const askedAtOnce = 32;

/**
 * Which attempts run in the warm pods of others, be they alive or not. Nothing in the cluster says so, as an attempt in a warm pod costs no
 * request there; so the pods themselves are asked. Questions that come while a round is made share the next one: what was seen
 * before a question was put is no answer to it.
 */
export class Survey {
  private readonly rounds = new Map<string, Round>();

  constructor(
    private readonly api: PodApi,
    private readonly incarnation: string,
    private readonly leaving: AbortSignal,
  ) {}

  /** Whether the attempt runs there, has ended there and is not settled, or may. Rejects when this executor leaves. */
  async mayHold(attempt: PodIdentity): Promise<boolean> {
    const { attempts, isIncomplete } = await this.look(attempt.project);
    return isIncomplete || attempts.has(nameOf(attempt.runId, attempt.execution, attempt.attempt));
  }

  private look(project: string): Promise<Found> {
    const round = this.rounds.get(project);
    if (round === undefined) return this.begin(project);
    const again = () => this.begin(project);
    return (round.next ??= round.found.then(again, again));
  }

  private begin(project: string): Promise<Found> {
    const round: Round = { found: this.ask(project), next: undefined };
    this.rounds.set(project, round);
    const forget = () => {
      if (this.rounds.get(project) === round && round.next === undefined) this.rounds.delete(project);
    };
    round.found.then(forget, forget);
    return round.found;
  }

  private async ask(project: string): Promise<Found> {
    const pods = [...(await this.list(project))];
    const attempts = new Set<string>();
    let isIncomplete = false;
    const askSome = async () => {
      for (let pod = pods.pop(); pod !== undefined; pod = pods.pop()) {
        const said = await this.askPod(pod).catch(() => 'nothing' as const);
        this.leaving.throwIfAborted();
        if (said === 'nothing') isIncomplete = true;
        else if (said !== undefined) attempts.add(said);
      }
    };
    await Promise.all(Array.from({ length: askedAtOnce }, askSome));
    return { attempts, isIncomplete };
  }

  /** From the server itself: the watch may be behind, and somebody's pods may be newer than it. */
  private async list(project: string): Promise<readonly V1Pod[]> {
    const selector = foreignWarmPods(project, ownerLabel, this.incarnation);
    for (let tries = 0; ; tries++) {
      const listed = await this.api.list(this.leaving, selector);
      if (listed.verdict === 'ok') return listed.object.items;
      await wait(backoffMs(tries, retry), this.leaving);
    }
  }

  /** Nothing was begun in a pod that does not run: whoever begins there has seen it run. */
  private async askPod(pod: V1Pod): Promise<string | undefined> {
    if (statusOfMain(pod)?.state?.running === undefined) return undefined;
    const token = tokenIn(pod);
    const host = pod.status?.podIP;
    if (token === undefined || host === undefined) throw new Error('Expected a token and an address');
    const { execution } = await new PodServer({ host, token }).state(this.leaving);
    if (execution === null) return undefined;
    const { run_id, execution: name, attempt } = execution.attempt;
    return nameOf(run_id, name, attempt);
  }
}

function nameOf(runId: string, execution: string, attempt: number): string {
  return JSON.stringify([runId, execution, attempt]);
}
