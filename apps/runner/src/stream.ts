import type { DomainEvent, JsonObject, Rejection, StreamName } from '@ryax/contracts';
import type { StoredEvent } from '@ryax/event-log';
import type { DecideContext, Need } from '@ryax/workflow';

/**
 * What an aggregate made of a message. The events are already applied to its state. What needs values that the state does
 * not hold is still open; it is decided by a `wake` (or the same hand-out) once they are loaded.
 */
export type Handled =
  | {
      readonly type: 'decided';
      readonly events: readonly DomainEvent[];
      readonly reply: JsonObject | null;
      readonly needs: readonly Need[];
    }
  | { readonly type: 'rejected'; readonly rejection: Rejection };

/**
 * A stream's state and its decisions, whatever its kind. The state runs ahead of the log between `handle` and the
 * append: when that fails the whole object is thrown away and folded again.
 */
export interface Aggregate<Message> {
  handle(message: Message, context: DecideContext): Handled;
  /** Applies a stored event, in version order. */
  apply(event: StoredEvent): void;
  readonly isOpen: boolean;
  /** When it next wants a timer message; null for never. Milliseconds of database time. */
  readonly nextWakeup: number | null;
  /** Rough memory, for the cache's bound. */
  readonly bytes: number;
}

/** A stream in the runner's hands: its aggregate and the head that the aggregate stands at. */
export interface LoadedStream<A> {
  readonly streamId: string;
  readonly name: StreamName;
  readonly partition: number;
  readonly aggregate: A;
  version: number;
  hash: string | null;
  /** Database time of the last event; decisions are never older. */
  lastEventAt: number;
}
