import { streamId } from '@ryax/contracts';
import type { EventLog } from '@ryax/event-log';
import { ByteBoundedCache } from '@ryax/platform';
import { evolveWorkflow, newestDeployed, newWorkflow, type WorkflowState } from '@ryax/workflow';
import { evolveWorkflowRow, type WorkflowRow } from '../projections/workflows/workflow-row';
import { decodeEvent } from '../tail/decoded-event';

/** A workflow as its own stream tells it, each of its versions as it was deployed last. */
export interface FoldedWorkflow {
  readonly state: WorkflowState;
  readonly versions: ReadonlyMap<number, WorkflowRow>;
  /** Of the stream. */
  readonly head: number;
}

const absent: FoldedWorkflow = { state: newWorkflow(), versions: new Map(), head: 0 };
/** Roughly what one takes in memory. */
const workflowBytes = { base: 1_000, perVersion: 500 };
const cacheBytes = 16 * 1024 * 1024;

/**
 * Workflows from their own streams and not from the read model: what was deployed just now is there. What was folded is kept;
 * each read asks the log for what came after it, hence is never older than what was committed before.
 */
export class FoldedWorkflows {
  private readonly cache = new ByteBoundedCache<string, FoldedWorkflow>(cacheBytes);

  constructor(private readonly log: Pick<EventLog, 'readStream'>) {}

  async read(project: string, workflowId: string): Promise<FoldedWorkflow> {
    const stream = streamId('workflow', project, workflowId);
    let folded = this.cache.get(stream) ?? absent;
    // A page may be shorter than its limit where events are large: only an empty one is the end.
    for (;;) {
      const page = await this.log.readStream(stream, { fromVersion: folded.head + 1 });
      if (page.length === 0) return folded;
      folded = page.map(decodeEvent).reduce(advance, folded);
      const { base, perVersion } = workflowBytes;
      this.cache.set(stream, folded, base + perVersion * folded.versions.size);
    }
  }

  /** The log may be another one. */
  clear(): void {
    this.cache.clear();
  }
}

/** What a start without a version runs: the newest deployed one, or else the newest. Undefined when there is none. */
export function newestVersion({ state, versions }: FoldedWorkflow): WorkflowRow | undefined {
  return versions.get(newestDeployed(state) ?? Math.max(...versions.keys()));
}

function advance(folded: FoldedWorkflow, decoded: ReturnType<typeof decodeEvent>): FoldedWorkflow {
  const { event, version } = decoded;
  if (event.type !== 'WorkflowDeployed' && event.type !== 'WorkflowUndeployed') return { ...folded, head: version };
  const row = evolveWorkflowRow(undefined, decoded);
  const versions = row === undefined ? folded.versions : new Map(folded.versions).set(row.version, row);
  return { state: evolveWorkflow(folded.state, event), versions, head: version };
}
