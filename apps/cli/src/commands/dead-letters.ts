import { printJson, printLines, type Context } from '../context';
import type { DeadLetterAnswer, DeadLetterItem } from '../engine/answers';
import { formatSize, formatTime } from '../render/format';
import type { Paint } from '../render/style';
import { table } from '../render/table';

export interface DeadLettersOptions {
  readonly limit: number;
  readonly json?: boolean;
}

export async function listDeadLetters(context: Context, { limit, json }: DeadLettersOptions): Promise<void> {
  const { items, next_cursor: next } = await context.engine.deadLetters(limit);
  if (json === true) return printJson(context, items);
  if (items.length === 0) {
    context.terminal.note('No dead letters');
    return;
  }
  printLines(context, letterTable(items, context.terminal.paint));
  if (next !== null) context.terminal.note(`There are more; --limit shows more than ${limit}.`);
}

function letterTable(items: readonly DeadLetterItem[], paint: Paint): string[] {
  const rows = items.map((item) => [
    item.id,
    formatTime(item.parked_at),
    item.message_type?.replace(/^tech\.ryax\./, '') ?? '?',
    item.queue,
    oneLine(item.reason),
  ]);
  return table(['LETTER', 'PARKED (UTC)', 'MESSAGE', 'QUEUE', 'ERROR'], rows, paint);
}

export async function showDeadLetter(
  context: Context,
  id: string,
  { json }: { readonly json?: boolean },
): Promise<void> {
  const letter = await context.engine.deadLetter(id);
  if (json === true) return printJson(context, letter);
  printLines(context, letterLines(letter));
}

function letterLines(letter: DeadLetterAnswer): string[] {
  const { reason, queue, tries, exchange, routing_key: key, times, truncated, body_encoding: encoding } = letter;
  const size = formatSize(letter.bytes);
  const bodyIs = [encoding === 'utf8' ? [] : ['as base64'], truncated ? ['its beginning only'] : []].flat();
  return [
    `Dead letter ${letter.id}`,
    `parked     ${formatTime(letter.parked_at)} UTC${times > 1 ? `, for the ${times}th time` : ''}`,
    `error      ${oneLine(reason)}`,
    `queue      ${queue}, after ${tries} failed tries`,
    `published  ${exchange === '' ? `to its queue directly` : `to ${exchange} with key ${key}`}`,
    `message    ${letter.message_id ?? '?'} of type ${letter.message_type ?? '?'} from ${letter.source ?? '?'}`,
    ...(letter.subject === null ? [] : [`subject    ${letter.subject}`]),
    `headers    ${JSON.stringify(letter.headers)}`,
    `body       ${[size, letter.content_type, ...bodyIs].join(', ')}`,
    letter.body,
  ];
}

export async function replayDeadLetters({ engine, terminal }: Context, ids: readonly string[]): Promise<void> {
  for (const id of ids) {
    const { exchange, routing_key: key } = await engine.replayDeadLetter(id);
    terminal.write(`Replayed ${id} to ${exchange === '' ? `queue ${key}` : `${exchange} with key ${key}`}\n`);
  }
}

export async function dropDeadLetters({ engine, terminal }: Context, ids: readonly string[]): Promise<void> {
  for (const id of ids) {
    await engine.dropDeadLetter(id);
    terminal.write(`Dropped ${id}\n`);
  }
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}
