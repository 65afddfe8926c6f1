import type { Context } from '../context';
import { UnreachableError, WrongUseError } from '../errors';
import type { ExecutionAnswer } from '../engine/answers';

export interface LogsOptions {
  readonly follow?: boolean;
  readonly attempt?: number;
}

const executionsLimit = 1000;

/** The log of one execution, or of every execution of a run that has been tried, each under its name. */
export async function logs(
  context: Context,
  runId: string,
  execution: string | undefined,
  options: LogsOptions,
): Promise<void> {
  if (execution !== undefined) return print(context, runId, execution, options);
  if (options.follow === true)
    throw new WrongUseError(
      'Expected the execution to follow, such as split or fit.3',
      [],
      `See which there are: ryax show ${runId}`,
    );
  for (const name of await triedExecutions(context, runId)) {
    context.terminal.write(`${context.terminal.paint('bold', `── ${name}`)}\n`);
    await print(context, runId, name, options);
  }
}

async function triedExecutions({ engine }: Context, runId: string): Promise<string[]> {
  const names: string[] = [];
  for (let cursor: string | null | undefined = undefined; cursor !== null;) {
    const run: { executions: ExecutionAnswer[]; next_cursor: string | null } = await engine.run(runId, {
      limit: executionsLimit,
      ...(cursor === undefined ? {} : { cursor }),
    });
    const tried = run.executions.filter(({ kind, attempts }) => kind === 'execution' && attempts > 0);
    names.push(...tried.map((each) => each.execution));
    cursor = run.next_cursor;
  }
  return names;
}

async function print(
  { engine, terminal, interrupted }: Context,
  runId: string,
  execution: string,
  { follow, attempt }: LogsOptions,
): Promise<void> {
  const query = { ...(follow === true ? { follow: 'true' } : {}), ...(attempt === undefined ? {} : { attempt }) };
  const response = await engine.log(runId, execution, query, interrupted);
  const decoder = new TextDecoder();
  let last = '\n';
  try {
    for await (const bytes of bodyOf(response)) {
      const text = decoder.decode(bytes, { stream: true });
      terminal.write(text);
      last = text.at(-1) ?? last;
    }
  } catch (error) {
    if (interrupted.aborted) return;
    throw new UnreachableError('The engine was lost in the middle of the log', [], 'Ask again: it is kept.', {
      cause: error,
    });
  }
  if (last !== '\n') terminal.write('\n');
}

function bodyOf({ body }: Response): AsyncIterable<Uint8Array> | Iterable<Uint8Array> {
  return body ?? [];
}
