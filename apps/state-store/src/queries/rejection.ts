import type { Rejection } from '@ryax/contracts';

/** A question that has no answer, with the reason as the asker is told. */
export class QueryRejectedError extends Error {
  readonly code = 'query-rejected';

  constructor(
    readonly rejection: Rejection,
    options?: ErrorOptions,
  ) {
    super(rejection.message, options);
    this.name = 'QueryRejectedError';
  }
}

export function notFound(message: string, options?: ErrorOptions): QueryRejectedError {
  return new QueryRejectedError({ code: 'not-found', message }, options);
}

export function invalid(message: string, details: NonNullable<Rejection['details']>): QueryRejectedError {
  return new QueryRejectedError({ code: 'invalid', message, details });
}
