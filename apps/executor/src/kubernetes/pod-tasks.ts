import type { FileStore, Secrets } from '@ryax/filestore';
import type { Clock, Log } from '@ryax/platform';
import type { Launch, LogSink } from '../launcher';
import { ActionCache } from '../process/action-cache';
import type { InputSources } from '../process/inputs';
import { ValueCache } from '../process/value-cache';
import { HandlerTask, type Begun, type HandlerLaunch, type Seat } from './action/handler-task';
import type { KnownPods } from './cluster/known-pods';
import type { PodApi } from './cluster/pod-api';
import type { PodLogOptions } from './cluster/pod-log';
import { CommandTask } from './command-task';
import type { ContainerLaunch } from './pod-spec';
import type { PodTask } from './pod-task';
import type { NodePool, SiteConfig } from './site-config';

export interface PodTasksParts {
  readonly api: PodApi;
  readonly site: SiteConfig;
  readonly pool: NodePool;
  readonly pods: KnownPods;
  readonly files: FileStore;
  readonly secrets: Secrets;
  readonly inlineValueBytes: number;
  readonly clock: Clock;
  readonly log: Log;
  /** For files on their way, and for actions that are kept unpacked. */
  readonly directory: string;
  readonly actionsDirectory: string;
  readonly reading?: PodLogOptions | undefined;
  readonly leaving: AbortSignal;
}

/** Text of large values kept parsed, and actions kept unpacked. */
const mostValueBytes = 64 * 1024 * 1024;
const mostActions = 64;

/** Says how the outcome of a launch comes out of its pod, with what all launches of an executor have in common. */
export class PodTasks {
  private readonly sources: InputSources;
  private readonly actions: ActionCache;

  constructor(private readonly parts: PodTasksParts) {
    const { files, secrets, inlineValueBytes, actionsDirectory } = parts;
    this.sources = { files, secrets, values: new ValueCache(files, mostValueBytes), inlineValueBytes };
    this.actions = new ActionCache(files, actionsDirectory, mostActions);
  }

  /** Of an attempt in a pod of its own. */
  of(launch: Launch, sink: LogSink, begun: Begun | undefined, onResult: () => void): PodTask {
    if (isOfHandler(launch)) return this.ofHandler(launch, sink, begun, onResult);
    if (!isOfContainer(launch)) throw new Error(`Expected an action for a pod, found ${launch.action.type}`);
    const { api, site, pool, pods, reading, directory, clock, leaving } = this.parts;
    const look = (name: string) => pods.find(name);
    const parts = { api, sources: this.sources, directory, site, pool, clock, reading, look, leaving };
    return new CommandTask(parts, launch, sink, onResult);
  }

  /** @param seat where the pod was not made for this attempt */
  ofHandler(
    launch: HandlerLaunch,
    sink: LogSink,
    begun: Begun | undefined,
    onResult: () => void,
    seat?: Seat,
  ): HandlerTask {
    const { site, pool, directory, clock, log, leaving } = this.parts;
    const { actions, sources } = this;
    const parts = { sources, actions, directory, site, pool, clock, log, leaving };
    return new HandlerTask(parts, launch, sink, begun, onResult, seat);
  }
}

export function isOfHandler(launch: Launch): launch is HandlerLaunch {
  return launch.action.type === 'handler';
}

function isOfContainer(launch: Launch): launch is ContainerLaunch {
  return launch.action.type === 'container';
}
