import { Inject, Injectable } from '@nestjs/common';
import type { Broker } from '@ryax/broker';
import {
  exchanges,
  queries,
  queryReplySchema,
  routingKeys,
  type JsonValue,
  type QueryAnswer,
  type QueryName,
  type QueryParameters,
} from '@ryax/contracts';
import { IdSource } from '@ryax/platform';
import { RejectedError, UnavailableError } from './errors';
import type { IntakeOptions } from './intake.config';
import { BROKER, INTAKE_OPTIONS } from './tokens';

/** Asks the state store. */
@Injectable()
export class StateStoreClient {
  constructor(
    @Inject(BROKER) private readonly broker: Broker,
    @Inject(INTAKE_OPTIONS) private readonly options: IntakeOptions,
    private readonly ids: IdSource,
  ) {}

  /**
   * @param waitMs how long the question itself may wait for news; the deadline counts from then
   * @throws RejectedError when there is no such thing, or the question is wrong
   * @throws UnavailableError when nobody answered in time
   */
  async query<N extends QueryName>(name: N, parameters: QueryParameters<N>, waitMs = 0): Promise<QueryAnswer<N>> {
    const message = {
      id: this.ids.newId(),
      type: 'query',
      source: 'studio-intake',
      project: parameters.project,
      data: { name, parameters: parameters as JsonValue },
    } as const;
    const target = { exchange: exchanges.queries.name, routingKey: routingKeys.queries };
    const answer = await this.broker
      .request(target, message, this.options.queryDeadlineMs + waitMs)
      .catch((error: unknown) => {
        throw new UnavailableError('The state store did not answer in time', {}, { cause: error });
      });
    const reply = queryReplySchema.parse(answer.data);
    if (reply.status === 'rejected') throw new RejectedError(reply.rejection);
    return queries[name].answer.parse(reply.result) as QueryAnswer<N>;
  }
}
