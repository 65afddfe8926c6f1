import { queries, type QueryAnswer, type QueryName, type QueryParameters, type Rejection } from '@ryax/contracts';
import type { z } from 'zod';
import { invalid } from './rejection';

/** One function for each question; those that have no answer throw a QueryRejectedError. */
export type QueryHandlers = {
  readonly [Name in QueryName]: (parameters: QueryParameters<Name>) => Promise<QueryAnswer<Name>>;
};

/** A handler that checks what it is given. */
export type Answerer = (given: unknown) => Promise<unknown>;

/** Each handler behind the schema of its parameters. */
export function checkedHandlers(handlers: QueryHandlers): Readonly<Record<QueryName, Answerer>> {
  return {
    'engine.settings': checked(queries['engine.settings'].parameters, handlers['engine.settings']),
    'project.load': checked(queries['project.load'].parameters, handlers['project.load']),
    'workflow.list': checked(queries['workflow.list'].parameters, handlers['workflow.list']),
    'workflow.get': checked(queries['workflow.get'].parameters, handlers['workflow.get']),
    'workflow.current': checked(queries['workflow.current'].parameters, handlers['workflow.current']),
    'action.list': checked(queries['action.list'].parameters, handlers['action.list']),
    'action.resolve': checked(queries['action.resolve'].parameters, handlers['action.resolve']),
    'run.list': checked(queries['run.list'].parameters, handlers['run.list']),
    'run.get': checked(queries['run.get'].parameters, handlers['run.get']),
    'run.history': checked(queries['run.history'].parameters, handlers['run.history']),
    'run.results': checked(queries['run.results'].parameters, handlers['run.results']),
    'run.estimate': checked(queries['run.estimate'].parameters, handlers['run.estimate']),
    'execution.list': checked(queries['execution.list'].parameters, handlers['execution.list']),
    'execution.log': checked(queries['execution.log'].parameters, handlers['execution.log']),
    'read-models.status': checked(queries['read-models.status'].parameters, handlers['read-models.status']),
    'read-models.rebuild': checked(queries['read-models.rebuild'].parameters, handlers['read-models.rebuild']),
    'dead-letter.list': checked(queries['dead-letter.list'].parameters, handlers['dead-letter.list']),
    'dead-letter.get': checked(queries['dead-letter.get'].parameters, handlers['dead-letter.get']),
    'dead-letter.replay': checked(queries['dead-letter.replay'].parameters, handlers['dead-letter.replay']),
    'dead-letter.drop': checked(queries['dead-letter.drop'].parameters, handlers['dead-letter.drop']),
  };
}

function checked<Parameters>(
  schema: z.ZodType<Parameters>,
  handler: (parameters: Parameters) => Promise<unknown>,
): Answerer {
  return async (given) => {
    const parsed = schema.safeParse(given);
    if (!parsed.success) throw invalid('Expected parameters as the query declares them', faultsOf(parsed.error));
    if (holdsNul(parsed.data)) throw invalid('Expected no U+0000 in a parameter, found one', []);
    return handler(parsed.data);
  };
}

/** PostgreSQL refuses it in a text, so that nothing can have such a name. */
function holdsNul(parameters: unknown): boolean {
  return JSON.stringify(parameters).includes('\\u0000');
}

function faultsOf(error: z.ZodError): NonNullable<Rejection['details']> {
  return error.issues.map(({ path, message }) => ({ path: path.join('.'), reason: message }));
}
