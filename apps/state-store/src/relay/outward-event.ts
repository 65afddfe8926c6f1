import { routingKeys, type Message, type OutwardEvent } from '@ryax/contracts';
import type { StoredEvent } from '@ryax/event-log';
import { z } from 'zod';

/** `ryax.events` routing key of an event: `default.run.succeeded`, `default.execution.retry-scheduled`. */
export function routingKeyOf(project: string, eventType: string): string {
  const [subject = eventType, ...rest] = eventType.split(/(?=[A-Z])/).map((word) => word.toLowerCase());
  return routingKeys.event(project, subject, rest.join('-'));
}

/** The message that tells the outside of an event. A repeat has the same id, so that consumers can drop it. */
export function outwardMessage(event: StoredEvent): Message<OutwardEvent> {
  const recordedAt = new Date(event.recordedAt).toISOString();
  const traceparent = traceparentOf(event.metadata);
  return {
    id: `${event.streamId}/${event.version}`,
    type: 'event',
    source: 'ryax/state-store',
    subject: event.streamId,
    project: event.project,
    time: recordedAt,
    ...(traceparent === undefined ? {} : { traceparent }),
    data: {
      project: event.project,
      stream: event.streamId,
      version: event.version,
      position: event.position,
      type: event.type,
      schema: event.schema,
      recorded_at: recordedAt,
      data: JSON.parse(event.data) as OutwardEvent['data'],
    },
  };
}

/** Of the message that caused the event. */
function traceparentOf(metadata: string): string | undefined {
  // Most have none, and looking costs less than parsing.
  if (!metadata.includes('"traceparent"')) return undefined;
  return metadataSchema.parse(JSON.parse(metadata)).cause?.traceparent;
}

const metadataSchema = z.object({ cause: z.object({ traceparent: z.string().optional() }).nullish() });
