import { streamId, type DataOf, type Message, type MessageType } from '@ryax/contracts';

/** The run that a message is about, and the trace that it belongs to. */
export interface About {
  readonly project: string;
  readonly run_id: string;
  readonly traceparent?: string | undefined;
}

/**
 * Makes messages of this executor. Their ids are unique by its incarnation and a count: an id source for each message
 * would be the slowest part of a noop.
 */
export class Envelopes {
  private readonly source: string;
  private count = 0;

  constructor(private readonly incarnation: string) {
    this.source = `/executors/${incarnation}`;
  }

  about<T extends MessageType>({ project, run_id, traceparent }: About, type: T, data: DataOf<T>): Message<DataOf<T>> {
    const subject = streamId('run', project, run_id);
    const message = { id: this.nextId(), type, source: this.source, subject, project, data };
    return traceparent === undefined ? message : { ...message, traceparent };
  }

  /** About this executor itself, which serves all projects. */
  ofOurselves<T extends MessageType>(type: T, data: DataOf<T>): Message<DataOf<T>> {
    return { id: this.nextId(), type, source: this.source, project: 'default', data };
  }

  private nextId(): string {
    return `${this.incarnation}.${this.count++}`;
  }
}
