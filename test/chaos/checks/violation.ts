import type { JsonObject } from '@ryax/contracts';
import type { Shape } from '../shape';

export const categories = ['lost', 'stuck', 'wrong', 'duplicate effect'] as const;
export type Category = (typeof categories)[number];

/** Something that was promised and did not hold. */
export interface Violation {
  readonly category: Category;
  /** The run, or the stream, that it is about. */
  readonly subject: string;
  readonly what: string;
}

/** A run that was answered with 202. */
export interface AcceptedRun {
  readonly runId: string;
  readonly shape: Shape;
  readonly inputs: JsonObject;
}

/** What the checks read of an event's data. */
export interface EventData {
  readonly execution?: string | null;
  readonly attempt?: number | null;
  readonly will_retry?: boolean;
  readonly results?: JsonObject;
  readonly failure?: { readonly kind: string } | null;
}

/** An event as it stands in the log. */
export interface LoggedEvent {
  readonly position: number;
  readonly stream: string;
  readonly version: number;
  readonly type: string;
  readonly data: EventData;
  /** Milliseconds since the epoch, on the database's clock. */
  readonly recordedAt: number;
}

/** A line that an action has written. */
export interface JournalLine {
  readonly run: string;
  readonly execution: string;
  readonly attempt: number;
  /** Its folder, of which each process of an executor has one of its own: process ids are private to it. */
  readonly process: string;
}

/** What the subscriber of `ryax.events` got, in the order in which it got it. */
export type HeardEvent = Pick<LoggedEvent, 'position' | 'stream' | 'version' | 'type' | 'data'>;

export const runEnds: ReadonlySet<string> = new Set(['RunSucceeded', 'RunFailed', 'RunCancelled']);

export function streamOf(runId: string): string {
  return `run:default:${runId}`;
}

export function byStream<T extends { readonly stream: string }>(events: readonly T[]): Map<string, T[]> {
  const streams = new Map<string, T[]>();
  for (const event of events) {
    const known = streams.get(event.stream);
    if (known === undefined) streams.set(event.stream, [event]);
    else known.push(event);
  }
  return streams;
}

/** What stands in the list more than once. */
export function repeatedOf(names: readonly string[]): string[] {
  const seen = new Set<string>();
  const repeated = new Set<string>();
  for (const name of names) (seen.has(name) ? repeated : seen).add(name);
  return [...repeated];
}
