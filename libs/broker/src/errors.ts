import type { Target } from './broker';

/** What a broker of ours rejects with; `code` tells the cases apart. */
export abstract class BrokerError extends Error {
  abstract readonly code: string;

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/**
 * - `disconnected`: there was no connection until the deadline; nothing was sent
 * - `unconfirmed`: sent, but not confirmed until the deadline; it may have arrived
 * - `refused`: the broker said no
 * - `unencodable`: its headers are larger than can be written
 * - `too-large`: one message is larger than a broker message may be
 * - `overflow`: too much is waiting to be sent; the publisher does not wait for its confirms
 */
export type PublishFailure = 'disconnected' | 'unconfirmed' | 'refused' | 'unencodable' | 'too-large' | 'overflow';

/** The message may be lost: whoever published must publish it again, or answer for it. */
export class PublishError extends BrokerError {
  readonly code = 'publish-failed';

  constructor(
    readonly reason: PublishFailure,
    readonly target: Target,
    detail: string,
    options?: ErrorOptions,
  ) {
    super(`Expected a confirm for a message to ${describeTarget(target)}: ${reason}, ${detail}`, options);
  }
}

/** The message arrived at the broker, but no queue is bound there. */
export class UnroutableError extends BrokerError {
  readonly code = 'unroutable';

  constructor(readonly target: Target) {
    super(`Expected a queue bound to ${describeTarget(target)}, found none`);
  }
}

/** Nobody answered in time; the request may have been carried out all the same. */
export class RequestTimeoutError extends BrokerError {
  readonly code = 'request-timeout';

  constructor(
    readonly target: Target,
    readonly timeoutMs: number,
  ) {
    super(`Expected an answer from ${describeTarget(target)} within ${timeoutMs} ms, found none`);
  }
}

/** The connection went away before the answer came; the request may have been carried out all the same. */
export class ConnectionLostError extends BrokerError {
  readonly code = 'connection-lost';

  constructor(what: string, options?: ErrorOptions) {
    super(`The connection to the broker was lost before ${what}`, options);
  }
}

/** The answer was no message of ours. */
export class MalformedReplyError extends BrokerError {
  readonly code = 'malformed-reply';

  constructor(
    readonly target: Target,
    readonly reason: string,
  ) {
    super(`Expected an answer of ours from ${describeTarget(target)}: ${reason}`);
  }
}

/** The broker refuses to declare a queue as asked, most often because it exists with other properties. */
export class TopologyError extends BrokerError {
  readonly code = 'topology-refused';

  constructor(
    readonly queue: string,
    options?: ErrorOptions,
  ) {
    super(`Expected the broker to declare queue ${queue}, but it refused`, options);
  }
}

/** Used after `close`. */
export class BrokerClosedError extends BrokerError {
  readonly code = 'broker-closed';

  constructor() {
    super('Expected an open broker, found one that was closed');
  }
}

/**
 * Thrown by a handler that cannot work now, whatever the messages are: its database is away. The batch is handed out
 * again after a pause, and no message is blamed: otherwise an outage would park everything that arrives during it.
 */
export class HandlerUnavailableError extends BrokerError {
  readonly code = 'handler-unavailable';

  constructor(what: string, options?: ErrorOptions) {
    super(`Expected to have ${what}, found it unavailable`, options);
  }
}

function describeTarget({ exchange, routingKey }: Target): string {
  return exchange === '' ? `queue ${routingKey}` : `${exchange} with key ${routingKey}`;
}
