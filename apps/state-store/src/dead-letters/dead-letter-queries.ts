import { addressOf, BrokerError, UnroutableError, type DeadLetter, type DeadLetterQueue } from '@ryax/broker';
import type { DeadLetterView, JsonObject } from '@ryax/contracts';
import type { Database } from '@ryax/event-log';
import { decodePosition, encodeCursor } from '../queries/cursor';
import type { QueryHandlers } from '../queries/query-handlers';
import { notFound, QueryRejectedError } from '../queries/rejection';
import { dropLetter, listLetters, readLetter, type StoredLetter } from './dead-letters';

type DeadLetterQuery = 'dead-letter.list' | 'dead-letter.get' | 'dead-letter.replay' | 'dead-letter.drop';

const defaultLimit = 50;
const shownBodyBytes = 256 * 1024;
const shownReasonLength = 500;

/** Looking at what could not be handled, and deciding what becomes of it. */
export function deadLetterQueries(database: Database, queue: DeadLetterQueue): Pick<QueryHandlers, DeadLetterQuery> {
  return {
    'dead-letter.list': async ({ cursor, limit = defaultLimit }) => {
      const rows = await listLetters(database, decodePosition(cursor), limit + 1);
      const shown = rows.slice(0, limit);
      const last = shown.at(-1);
      return {
        items: shown.map((row) => {
          const view = viewOf(row, row.bytes);
          return { ...view, reason: view.reason.slice(0, shownReasonLength) };
        }),
        next_cursor: rows.length > limit && last !== undefined ? encodeCursor([last.number]) : null,
      };
    },

    'dead-letter.get': async ({ id }) => {
      const stored = await existing(database, id);
      const { contentType, headers, content } = stored.letter;
      const json = JSON.parse(JSON.stringify(headers)) as JsonObject;
      return { ...viewOf(stored, content.length), content_type: contentType, headers: json, ...bodyOf(content) };
    },

    // Published first, forgotten after: a crash in between leaves the letter, and a repeat of it does no harm.
    'dead-letter.replay': async ({ id }) => {
      const { letter, times } = await existing(database, id);
      await replay(queue, letter);
      await dropLetter(database, id, times);
      return { id, exchange: letter.exchange, routing_key: letter.routingKey };
    },

    'dead-letter.drop': async ({ id }) => {
      if (!(await dropLetter(database, id))) throw unknown(id);
      return { id };
    },
  };
}

async function existing(database: Database, id: string): Promise<StoredLetter> {
  const stored = await readLetter(database, id);
  if (stored === undefined) throw unknown(id);
  return stored;
}

function unknown(id: string): QueryRejectedError {
  return notFound(`Expected a dead letter ${id}, found none: it was replayed or dropped, or never was`);
}

async function replay(queue: DeadLetterQueue, letter: DeadLetter): Promise<void> {
  try {
    await queue.replay(letter);
  } catch (error) {
    if (!(error instanceof BrokerError)) throw error;
    const code = error instanceof UnroutableError ? 'conflict' : 'unavailable';
    throw new QueryRejectedError({ code, message: `The letter was not replayed: ${error.message}` }, { cause: error });
  }
}

function viewOf({ id, parkedAt, times, letter }: StoredLetter, bytes: number): DeadLetterView {
  const { reason, queue, exchange, routingKey, tries } = letter;
  const { id: messageId, type, source, subject } = addressOf(letter);
  return {
    id,
    parked_at: parkedAt.toISOString(),
    times,
    reason,
    queue,
    exchange,
    routing_key: routingKey,
    tries,
    message_id: messageId,
    message_type: type,
    source,
    subject,
    bytes,
  };
}

function bodyOf(content: Buffer): { body: string; body_encoding: 'utf8' | 'base64'; truncated: boolean } {
  const truncated = content.length > shownBodyBytes;
  const beginning = content.subarray(0, shownBodyBytes);
  // The end of a text that was cut may be half a character.
  const text = new TextDecoder('utf-8', { fatal: true });
  try {
    return { body: text.decode(beginning, { stream: truncated }), body_encoding: 'utf8', truncated };
  } catch {
    return { body: beginning.toString('base64'), body_encoding: 'base64', truncated };
  }
}
