import { applyDecorators, Catch, UseFilters, type ExceptionFilter } from '@nestjs/common';
import { EventPattern, MessagePattern } from '@nestjs/microservices';
import { throwError, type Observable } from 'rxjs';
import type { ConsumeOptions, QueueDeclaration } from '../broker';

/** What a handler is bound to: a queue, declared with its bindings, and how it is consumed. One handler for a queue. */
export class QueueSubscription {
  constructor(
    readonly queue: QueueDeclaration,
    readonly options: ConsumeOptions,
  ) {}
}

/** Nest's own filter would replace a handler's error by "Internal server error": the broker needs its type and reason. */
@Catch()
export class RaiseToTransport implements ExceptionFilter {
  catch(exception: unknown): Observable<never> {
    return throwError(() => exception);
  }
}

/**
 * The method receives batches (`readonly Delivery[]`) of a queue and settles each delivery; see {@link BatchHandler} for
 * what follows when it throws.
 */
export function ConsumesBatches(subscription: QueueSubscription): MethodDecorator {
  return applyDecorators(EventPattern(subscription), UseFilters(RaiseToTransport));
}

/**
 * The method receives one message (and its {@link Delivery} as context) and returns the answer, or undefined for none.
 * Questions are answered side by side, up to the prefetch; one is acknowledged after its answer.
 */
export function AnswersQuestions(subscription: QueueSubscription): MethodDecorator {
  return applyDecorators(MessagePattern(subscription), UseFilters(RaiseToTransport));
}
