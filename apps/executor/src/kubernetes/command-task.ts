import type { V1Pod } from '@kubernetes/client-node';
import type { Outcome } from '@ryax/contracts';
import type { LogSink } from '../launcher';
import { resolveValues } from '../process/references';
import type { OutputTargets } from '../process/outputs';
import type { ValueCache } from '../process/value-cache';
import type { PodApi } from './cluster/pod-api';
import { PodLog, type PodLogOptions } from './cluster/pod-log';
import { podName } from './pod-name';
import { podOutputs } from './pod-outputs';
import { podFor, type ContainerLaunch } from './pod-spec';
import type { PodEnd, PodTask } from './pod-task';
import type { NodePool, SiteConfig } from './site-config';

export interface CommandTaskParts {
  readonly api: PodApi;
  readonly targets: OutputTargets;
  readonly values: ValueCache;
  readonly site: SiteConfig;
  readonly pool: NodePool;
  readonly reading?: PodLogOptions | undefined;
  /** Aborted when this executor leaves. */
  readonly leaving: AbortSignal;
}

/** A command in an image: its exit decides, its log is the container's, its outputs are the termination message. */
export class CommandTask implements PodTask {
  readonly result = undefined;
  readonly hearingMs = 0;
  private readonly log: PodLog;

  constructor(
    private readonly parts: CommandTaskParts,
    private readonly launch: ContainerLaunch,
    private readonly sink: LogSink,
  ) {
    this.log = new PodLog(parts.api, podName(launch), sink, parts.reading);
  }

  async pod(): Promise<V1Pod> {
    const { values, pool, site } = this.parts;
    const inputs: ContainerLaunch['inputs'] = {};
    for (const [name, value] of Object.entries(this.launch.inputs)) inputs[name] = await resolveValues(value, values);
    return podFor({ ...this.launch, inputs }, pool, site);
  }

  created(): void {
    // It is called by nobody: whoever has created it, it is the same.
  }

  runs(): void {
    this.log.follow();
  }

  async outcomeAt({ final, hasRun, isGone }: PodEnd): Promise<Outcome> {
    if (isGone) await this.log.lastWords();
    else if (hasRun) await this.log.finish(this.parts.leaving);
    if (final.status === 'failed') return { status: 'failed', failure: final.failure };
    const { launch, sink } = this;
    return podOutputs(this.parts.targets, { launch, sink }, launch.action.outputs, final.terminationMessage);
  }

  leave(): Promise<void> {
    return this.log.leave();
  }
}
