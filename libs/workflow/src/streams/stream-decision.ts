import type { JsonObject, Rejection } from '@ryax/contracts';

/** What a message means for one of the small streams. Its events are not applied to the state yet. */
export type StreamDecision<Event> =
  /** Without events for a plain repeat. The reply is the command's result. */
  | { readonly type: 'decided'; readonly events: readonly Event[]; readonly reply: JsonObject }
  | { readonly type: 'rejected'; readonly rejection: Rejection };
