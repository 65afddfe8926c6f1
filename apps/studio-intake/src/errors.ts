import type { Fault, limits, Rejection } from '@ryax/contracts';

/** What REST answers instead of what was asked for. Its status is decided in error.filter.ts alone. */
export abstract class IntakeError extends Error {
  abstract readonly code: string;
  readonly details: readonly Fault[] = [];
  /** Facts that a caller may need to go on. */
  readonly facts: Readonly<Record<string, string | number>> = {};

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** The request is understood and wrong; every fault is named. */
export class InvalidRequestError extends IntakeError {
  readonly code = 'invalid';

  constructor(
    message: string,
    override readonly details: readonly Fault[],
  ) {
    super(message);
  }
}

export class MissingTokenError extends IntakeError {
  readonly code = 'unauthenticated';
}

export class MissingScopeError extends IntakeError {
  readonly code = 'forbidden';

  constructor(readonly scope: string) {
    super(`The token lacks the scope "${scope}", which this route needs`);
  }
}

export class NotFoundError extends IntakeError {
  readonly code = 'not-found';
}

export class TooLargeError extends IntakeError {
  readonly code = 'too-large';
}

/** There is no room now. Nothing was begun: the same request may be sent again, and should be later. */
export class OverloadedError extends IntakeError {
  readonly code = 'overloaded';
  override readonly facts: Readonly<Record<string, string | number>>;

  constructor(
    readonly limit: keyof typeof limits,
    readonly value: number,
    retryAfterSeconds: number,
    /** Of a start under a key: what it would be called by, and the key to ask again with. */
    facts: Readonly<Record<string, string>> = {},
  ) {
    super(`The engine takes at most ${value} (${limit}) at once, and has them; ask again later`);
    this.facts = { limit, retry_after: retryAfterSeconds, ...facts };
  }
}

export class UnsupportedMediaTypeError extends IntakeError {
  readonly code = 'unsupported-media-type';
}

/** The runner or the state store said no, for a closed reason. */
export class RejectedError extends IntakeError {
  readonly code: Rejection['code'];
  override readonly details: readonly Fault[];

  constructor(rejection: Rejection) {
    super(rejection.message);
    this.code = rejection.code;
    this.details = rejection.details ?? [];
  }
}

/**
 * No answer in time. The command may have been carried out: a repeat with the same key meets it, and `facts` says under
 * which id it can be asked for.
 */
export class UnavailableError extends IntakeError {
  readonly code = 'unavailable';

  constructor(
    message: string,
    override readonly facts: Readonly<Record<string, string | number>> = {},
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
