import type { Fault } from '@ryax/contracts';
import { exitStatus, type ExitStatus } from './exit-status';

/** An end that is explained to the user: what happened, each fault, and what to do. Anything else is a bug of ours. */
export abstract class CliError extends Error {
  abstract readonly exitStatus: ExitStatus;

  constructor(
    message: string,
    readonly details: readonly Fault[] = [],
    readonly advice?: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** What the user has asked for makes no sense, here or to the engine. */
export class WrongUseError extends CliError {
  readonly exitStatus = exitStatus.wrongUse;
}

/** The engine has said no. */
export class RefusedError extends WrongUseError {
  constructor(
    readonly status: number,
    message: string,
    details: readonly Fault[],
    advice?: string,
  ) {
    super(message, details, advice);
  }
}

/** What an image is built with is not installed. */
export class BuilderMissingError extends WrongUseError {}

/** An image could not be built, or not be pushed; the builder has said why. */
export class BuildFailedError extends CliError {
  readonly exitStatus = exitStatus.runFailed;
}

/** Nobody answers, or not now. */
export class UnreachableError extends CliError {
  readonly exitStatus = exitStatus.unreachable;
}
