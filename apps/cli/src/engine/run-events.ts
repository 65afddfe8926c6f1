import { setTimeout as wait } from 'node:timers/promises';
import { messageOf, nameOf } from '../error-facts';
import { UnreachableError } from '../errors';
import { historyEvent, type HistoryEvent } from './answers';
import { runPath, type Engine } from './engine';
import { parseServerSentEvents } from './server-sent-events';

/** How often and how patiently a lost stream is taken up again before the engine counts as gone. */
const reconnectAfterMs = [100, 500, 1_000, 2_000, 4_000, 8_000, 15_000];

export interface RunEventsOptions {
  readonly after?: number;
  readonly signal: AbortSignal;
  /** Told before each attempt to come back. */
  readonly onLost?: (reason: string) => void;
}

/**
 * A run's events as they happen, until the run has ended. A lost connection is taken up again after the last event that
 * was seen: none is missed and none comes twice.
 */
export async function* runEvents(
  engine: Engine,
  runId: string,
  { after = 0, signal, onLost }: RunEventsOptions,
): AsyncGenerator<HistoryEvent> {
  let seen = after;
  for (let failures = 0; ;) {
    try {
      const headers = { accept: 'text/event-stream', 'last-event-id': String(seen) };
      const response = await engine.client.open(`${runPath(runId)}/events`, { headers, signal, repeatable: false });
      for await (const { data } of parseServerSentEvents(response.body)) {
        const event = historyEvent.parse(JSON.parse(data));
        failures = 0;
        seen = event.version;
        yield event;
        if (isRunEnd(event)) return;
      }
      // An engine that shuts down ends its streams, too. Whether this run has ended is the next stream's first answer.
      const { open, head_version: head } = await engine.history(runId, seen, 1);
      if (!open && head <= seen) return;
      throw new UnreachableError('The engine has closed the connection');
    } catch (error) {
      if (signal.aborted) return;
      if (!isLostConnection(error)) throw error;
      const pause = reconnectAfterMs[failures++];
      if (pause === undefined) throw error;
      onLost?.(messageOf(error));
      await wait(pause, undefined, { signal }).catch(() => undefined);
    }
  }
}

export function isRunEnd({ type }: HistoryEvent): boolean {
  return type === 'RunSucceeded' || type === 'RunFailed' || type === 'RunCancelled';
}

/** fetch says TypeError when a body ends too early. */
function isLostConnection(error: unknown): boolean {
  return error instanceof UnreachableError || nameOf(error) === 'TypeError';
}
