import { randomBytes } from 'node:crypto';
import type { V1Pod } from '@kubernetes/client-node';
import type { Failure, Outcome } from '@ryax/contracts';
import { backoffMs, wait, LinkedSignal, type Clock } from '@ryax/platform';
import { imageOfAction } from '../action-image';
import { tokenIn, warmPodFor } from '../pod-spec';
import type { PodEnd, PodTask } from '../pod-task';
import type { NodePool, SiteConfig } from '../site-config';
import { PodServer, PodServerRefusal, type PodAddress, type ServerState } from './pod-server';
import type { WarmKind } from './warm-kind';

export interface WarmUpParts {
  readonly site: SiteConfig;
  readonly pool: NodePool;
  readonly clock: Clock;
  readonly incarnation: string;
  /** After so long without work and without anybody who asks, the server ends itself. */
  readonly serverIdleMs: number;
  readonly leaving: AbortSignal;
}

/** What a pod has come to whose server has answered. */
export interface WarmedUp {
  readonly address: PodAddress;
  readonly state: ServerState;
}

const retry = { initialMs: 25, maxMs: 2_000 };

/** A pod that is to serve attempts, until its server is ours and has said what it runs. Its outcome is no attempt's. */
export class WarmUp implements PodTask {
  readonly hearingMs = 0;
  result: Outcome | undefined;
  warmedUp: WarmedUp | undefined;
  private readonly over = new AbortController();
  private readonly either: LinkedSignal;
  private claimed: Promise<void> | undefined;
  private token = randomBytes(24).toString('hex');

  constructor(
    private readonly parts: WarmUpParts,
    private readonly name: string,
    private readonly kind: WarmKind,
    private readonly onResult: () => void,
  ) {
    this.either = new LinkedSignal(this.over.signal, parts.leaving);
  }

  pod(): Promise<V1Pod> {
    const { site, pool, serverIdleMs } = this.parts;
    const image = imageOfAction(site, this.kind.content_hash);
    const served = { image, token: this.token, idleSeconds: Math.ceil(serverIdleMs / 1000) };
    return Promise.resolve(warmPodFor(this.name, this.kind, served, pool, site));
  }

  created(pod: V1Pod): void {
    this.token = tokenIn(pod) ?? this.token;
  }

  runs(pod: V1Pod): void {
    const host = pod.status?.podIP;
    if (host === undefined || host === '' || this.claimed !== undefined) return;
    this.claimed = this.claim({ host, token: this.token });
  }

  async outcomeAt({ final }: PodEnd): Promise<Outcome> {
    await this.leave();
    if (this.result !== undefined) return this.result;
    const ended = { kind: 'lost', message: "The action's server ended before it was called" } as const;
    return { status: 'failed', failure: final.status === 'failed' ? final.failure : ended };
  }

  async leave(): Promise<void> {
    this.over.abort(new Error('it is left'));
    await this.claimed;
    this.either.unlink();
  }

  private get signal(): AbortSignal {
    return this.either.signal;
  }

  private async claim(address: PodAddress): Promise<void> {
    const server = new PodServer(address);
    const { clock, incarnation, site } = this.parts;
    const sinceMs = clock.monotonicMs();
    for (let tries = 0; !this.signal.aborted; tries++) {
      try {
        const state = await server.claim(incarnation, this.signal);
        this.warmedUp = { address, state };
        return this.came({ status: 'succeeded', outputs: {} });
      } catch (error) {
        if (this.signal.aborted) return;
        if (error instanceof PodServerRefusal && error.status < 500) return this.failed(refusal(error));
        const silentMs = clock.monotonicMs() - sinceMs;
        if (silentMs >= site.patienceMs.unreachable) return this.failed(unreached(silentMs));
      }
      await wait(backoffMs(tries, retry), this.signal).catch(() => undefined);
    }
  }

  private failed(failure: Failure): void {
    this.came({ status: 'failed', failure });
  }

  private came(outcome: Outcome): void {
    this.result = outcome;
    this.onResult();
  }
}

function refusal({ status, message }: PodServerRefusal): Failure {
  const advice = 'build the image of the action anew, or set handlers: job for the site';
  return { kind: 'rejected', message: status === 404 ? `${message}. It is older than warm pods: ${advice}` : message };
}

function unreached(silentMs: number): Failure {
  const seconds = Math.round(silentMs / 1000);
  const message = `The action's server could not be reached for ${seconds} s: check that executors may reach pods on their port`;
  return { kind: 'lost', message };
}
