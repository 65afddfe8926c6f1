import { setTimeout as wait } from 'node:timers/promises';
import { limits } from '@ryax/contracts';
import type { BatchItem } from '../engine/answers';
import type { Engine } from '../engine/engine';
import { repeatAfterMs } from '../engine/engine-client';
import { bytesPerCall, type BatchLine } from './batch-file';

/** What became of one line. */
export interface LineOutcome {
  readonly line: number;
  readonly item: BatchItem;
}

/**
 * Starts the runs in as many calls as they need, one after the other, and tells the outcomes of each call as they come.
 * Each run has its key, so that whatever got no answer is asked for again.
 */
export async function* startBatch(
  engine: Engine,
  workflowId: string,
  lines: readonly BatchLine[],
  interrupted: AbortSignal,
): AsyncGenerator<readonly LineOutcome[]> {
  for (const call of callsOf(lines)) {
    interrupted.throwIfAborted();
    yield await startCall(engine, workflowId, call, interrupted);
  }
}

async function startCall(
  engine: Engine,
  workflowId: string,
  call: readonly BatchLine[],
  interrupted: AbortSignal,
): Promise<readonly LineOutcome[]> {
  const outcomes = new Map<BatchLine, BatchItem>();
  let left = call;
  for (const pause of [...repeatAfterMs, undefined]) {
    const { items } = await engine.startRuns(
      workflowId,
      left.map(({ run }) => run),
    );
    for (const [index, item] of items.entries()) {
      const line = left[index];
      if (line !== undefined) outcomes.set(line, item);
    }
    left = left.filter((line) => isUnanswered(outcomes.get(line)));
    if (left.length === 0 || pause === undefined) break;
    await wait(pause, undefined, { signal: interrupted });
  }
  return [...outcomes].map(([{ number }, item]) => ({ line: number, item }));
}

/** The engine could not say what became of it, or had no room for it: not now, or not without a fault of its own. */
export function isUnanswered(item: BatchItem | undefined): boolean {
  return item === undefined || item.status >= 500 || item.status === 429;
}

/** As few calls as the limits of one allow: so many runs, and so many bytes. */
function callsOf(lines: readonly BatchLine[]): BatchLine[][] {
  const calls: BatchLine[][] = [];
  let bytes = 0;
  for (const line of lines) {
    bytes += line.bytes;
    const call = calls.at(-1);
    if (call !== undefined && call.length < limits.runsPerBatch && bytes <= bytesPerCall) {
      call.push(line);
    } else {
      calls.push([line]);
      bytes = line.bytes;
    }
  }
  return calls;
}
