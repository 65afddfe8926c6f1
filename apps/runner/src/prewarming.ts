import type { Broker } from '@ryax/broker';
import { exchanges, limits, routingKeys, type EventOf, type Message, type Prewarm } from '@ryax/contracts';
import { answerWithin, unlessAborted, type IdSource, type Log, type Owner } from '@ryax/platform';
import { choosePool, fittingPools, nameOfPool, reasonsOf, type PlannedHandler } from '@ryax/workflow';
import { workerKey, type ExecutorRegistry } from './executors';
import type { Plans } from './plans';
import type { SufficientMemory } from './sufficient-memory';

/** Deployments that have not been seen to yet; of more, nothing is made warm. */
const mostWaiting = 1_000;
/** A filestore that has not answered by then holds up what was deployed later; advice that comes so late is of no use. */
const readMs = 30_000;

/** A workflow's version that may be run from now on. */
export interface Deployment extends Pick<
  EventOf<'WorkflowDeployed'>['data'],
  'workflow_id' | 'workflow_version' | 'definition_hash'
> {
  readonly project: string;
}

export interface PrewarmingParts {
  readonly plans: Pick<Plans, 'handlers'>;
  readonly executors: ExecutorRegistry;
  readonly memory: Pick<SufficientMemory, 'resourcesFor'>;
  readonly broker: Pick<Broker, 'publish'>;
  readonly ids: IdSource;
  readonly log: Log;
  readonly owner: Owner;
}

/** What one executor is told of a deployment. */
interface Advice {
  readonly pool: string;
  readonly handlers: Map<string, Prewarm['handlers'][number]>;
  readonly reasons: Set<string>;
}

/**
 * Tells executors which handlers the first run of a workflow will want, when it is deployed: to the executor that their starts would be
 * sent to if they started now. Advice, and no part of any state: said once, by the runner whose append deployed the workflow, and not
 * again when another one takes over.
 */
export class Prewarming {
  private readonly waiting: Deployment[] = [];
  private isAdvising = false;

  constructor(
    private readonly parts: PrewarmingParts,
    /** Of the runner, for its messages. */
    private readonly source: string,
  ) {}

  /** The deployment is in the log. Returns at once; one after the other is seen to. */
  deployed(deployment: Deployment): void {
    const { executors, owner } = this.parts;
    // Only where work is kept are there pods; a definition is not read for nothing.
    if (this.waiting.length >= mostWaiting || !executors.alive().some(({ keepsWork }) => keepsWork)) return;
    this.waiting.push(deployment);
    if (this.isAdvising) return;
    this.isAdvising = true;
    owner.run('pre-warm handlers', (signal) => this.adviseOnAll(signal));
  }

  private async adviseOnAll(signal: AbortSignal): Promise<void> {
    for (let next = this.waiting.shift(); next !== undefined && !signal.aborted; next = this.waiting.shift()) {
      try {
        await this.adviseOn(next, signal);
      } catch (error) {
        this.failed(next, { error }, signal);
      }
    }
    this.isAdvising = false;
  }

  private async adviseOn(deployment: Deployment, signal: AbortSignal): Promise<void> {
    const { project, definition_hash } = deployment;
    const read = answerWithin(readMs, () => this.parts.plans.handlers(definition_hash, limits.prewarmedHandlers));
    const handlers = await unlessAborted(read, signal);
    for (const [executor, { pool, handlers: wanted, reasons }] of this.adviceFor(project, handlers)) {
      signal.throwIfAborted();
      try {
        await unlessAborted(this.say(executor, { project, handlers: [...wanted.values()] }), signal);
        this.parts.log.info('Handlers of a deployed workflow were asked to be made warm', {
          ...{ ...namesOf(deployment), executor, pool },
          ...{ handlers: wanted.size, reasons: [...reasons] },
        });
      } catch (error) {
        // The others can be told all the same.
        this.failed(deployment, { executor, error }, signal);
      }
    }
  }

  private failed(
    deployment: Deployment,
    more: { readonly executor?: string; readonly error: unknown },
    signal: AbortSignal,
  ): void {
    if (signal.aborted) return;
    const of = namesOf(deployment);
    this.parts.log.warn('Handlers of a deployed workflow could not be asked to be made warm', { ...of, ...more });
  }

  /** By the incarnation of the executor. */
  private adviceFor(project: string, handlers: readonly PlannedHandler[]): ReadonlyMap<string, Advice> {
    const { executors, memory } = this.parts;
    const byExecutor = new Map<string, Advice>();
    for (const { contentHash: content_hash, resources, demand } of handlers) {
      const fitting = fittingPools(demand, executors.pools);
      const pool = choosePool(demand, fitting);
      if (pool === undefined) continue;
      const { site, name } = pool;
      const handler = workerKey(project, content_hash);
      const executor = executors.place({ site, pool: name, demand, givenBack: [], handler });
      if (executor === undefined || !executors.isKeeping(executor)) continue;
      const advice = byExecutor.get(executor) ?? { pool: nameOfPool(pool), handlers: new Map(), reasons: new Set() };
      byExecutor.set(executor, advice);
      const most = () => executors.memoryOfNode(site, name);
      const { time_ms: _, ...ofNode } = memory.resourcesFor({ type: 'handler', content_hash }, resources, most);
      advice.handlers.set(JSON.stringify([content_hash, ofNode.cpu, ofNode.memory_bytes, ofNode.gpu]), {
        content_hash,
        resources: ofNode,
      });
      for (const reason of reasonsOf(demand, pool, fitting)) advice.reasons.add(reason);
    }
    return byExecutor;
  }

  private async say(executor: string, data: Prewarm): Promise<void> {
    const { broker, ids } = this.parts;
    const { project } = data;
    const message: Message = { id: ids.newId(), type: 'executor.prewarm', source: this.source, project, data };
    const target = { exchange: exchanges.executions.name, routingKey: routingKeys.prewarm(executor) };
    // An executor that makes nothing warm has no queue for it.
    await broker.publish(target, [message], { persistent: false });
  }
}

function namesOf({ project, workflow_id, workflow_version }: Deployment) {
  return { project, workflow: workflow_id, version: workflow_version };
}
