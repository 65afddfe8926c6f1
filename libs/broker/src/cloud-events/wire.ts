import { cloudEventType, type Message } from '@ryax/contracts';

/**
 * Messages as CloudEvents 1.0 on the wire. One message travels in binary mode (attributes as `cloudEvents:` headers, the
 * body is the data as JSON); several travel as one `application/cloudevents-batch+json`. Producers that are not ours may
 * also send structured mode (`application/cloudevents+json`) and the newer header prefix `cloudEvents_`.
 */
export interface Wire {
  readonly contentType: string;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly content: Buffer;
}

export const single = 'application/json';
export const structured = 'application/cloudevents+json';
export const batch = 'application/cloudevents-batch+json';

/** Named one by one: a spread of each message costs more than writing it. What is undefined is not written. */
export function toStructured({ id, type, source, subject, project, time, traceparent, data }: Message): object {
  return { specversion: '1.0', id, type: cloudEventType(type), source, subject, project, time, traceparent, data };
}
