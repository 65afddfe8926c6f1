import { createHash } from 'node:crypto';
import type { DeadLetter } from '@ryax/broker';
import type { Connection } from '@ryax/event-log';
import { columnsOf } from '../projections/columns';
import type { DeadLetterEntity } from './dead-letter.entity';

/** A dead letter as it is kept. */
export interface StoredLetter {
  readonly id: string;
  /** Its place among all, newest highest. */
  readonly number: number;
  readonly parkedAt: Date;
  /** Counts how often the very same message was parked. */
  readonly times: number;
  readonly letter: DeadLetter;
}

/** Stores letters, in one statement. The same message, parked again, is one letter with a new place. */
export async function storeLetters(connection: Connection, letters: readonly DeadLetter[]): Promise<void> {
  const byId = new Map<string, { readonly letter: DeadLetter; readonly times: number }>();
  for (const letter of letters) {
    const id = idOf(letter);
    byId.set(id, { letter, times: (byId.get(id)?.times ?? 0) + 1 });
  }
  const columns = columnsOf([...byId], ([id, { letter, times }]) => {
    const { content, ...rest } = letter;
    const text = JSON.stringify(rest);
    return [id, times, text, content, content.length + text.length];
  });
  if (byId.size > 0) await connection.query(insertLetters, columns);
}

/** 128 bits of what it is and where it was: not of why it was parked, which may be told in other words the next time. */
function idOf({ queue, exchange, routingKey, contentType, headers, content }: DeadLetter): string {
  const names = Object.keys(headers).sort();
  const head = JSON.stringify([queue, exchange, routingKey, contentType, names.map((name) => [name, headers[name]])]);
  return createHash('sha256').update(head).update(content).digest('hex').slice(0, 32);
}

const insertLetters = {
  name: 'dead-letters.insert',
  text: `
    INSERT INTO dead_letters AS kept (id, times, letter, content, bytes)
    SELECT * FROM unnest($1::text[], $2::int[], $3::text[], $4::bytea[], $5::int[])
    ON CONFLICT (id) DO UPDATE SET
      number = excluded.number, parked_at = excluded.parked_at, letter = excluded.letter,
      times = kept.times + excluded.times`,
};

/** Newest first, without their bodies' content. */
export async function listLetters(
  connection: Connection,
  before: number | undefined,
  limit: number,
): Promise<(Omit<StoredLetter, 'letter'> & { readonly letter: DeadLetter; readonly bytes: number })[]> {
  const rows = await connection.query<ListedRow>(selectLetters, [before ?? null, limit]);
  return rows.map((row) => ({ ...readRow(row), bytes: row.content_bytes }));
}

type ListedRow = DeadLetterEntity & { readonly content_bytes: number };

/** Of the body only its beginning, to be told what it says of itself where that stands in it. */
const selectLetters = {
  name: 'dead-letters.list',
  text: `
    SELECT id, number, parked_at, times, letter, bytes, octet_length(content) AS content_bytes,
      CASE WHEN octet_length(content) <= 4096 THEN content ELSE ''::bytea END AS content
    FROM dead_letters
    WHERE $1::bigint IS NULL OR number < $1
    ORDER BY number DESC
    LIMIT $2`,
};

export async function readLetter(connection: Connection, id: string): Promise<StoredLetter | undefined> {
  const [row] = await connection.query<DeadLetterEntity>(selectLetter, [id]);
  return row && readRow(row);
}

const selectLetter = { name: 'dead-letters.read', text: `SELECT * FROM dead_letters WHERE id = $1` };

/**
 * Answers whether there was such a letter. With `times`, one that has been parked again since it was read is left: what was
 * done about it was done about an earlier one.
 */
export async function dropLetter(connection: Connection, id: string, times?: number): Promise<boolean> {
  return (await connection.query(deleteLetter, [id, times ?? null])).length > 0;
}

const deleteLetter = {
  name: 'dead-letters.drop',
  text: `DELETE FROM dead_letters WHERE id = $1 AND ($2::int IS NULL OR times = $2) RETURNING id`,
};

/** Drops the oldest above so many bytes; answers how many. */
export async function trimLetters(connection: Connection, keptBytes: number): Promise<number> {
  return (await connection.query(trim, [keptBytes])).length;
}

const trim = {
  name: 'dead-letters.trim',
  text: `
    DELETE FROM dead_letters
    WHERE number <= (
      SELECT max(number) FROM (
        SELECT number, sum(bytes) OVER (ORDER BY number DESC) AS held FROM dead_letters
      ) AS newest
      WHERE held > $1)
    RETURNING id`,
};

function readRow({ id, number, parked_at, times, letter, content }: DeadLetterEntity): StoredLetter {
  const rest = JSON.parse(letter, reviveBytes) as Omit<DeadLetter, 'content'>;
  return { id, number: Number(number), parkedAt: parked_at, times, letter: { ...rest, content } };
}

/** A header may be bytes, which JSON tells as `{ type: 'Buffer', data: […] }`. */
function reviveBytes(_name: string, value: unknown): unknown {
  const isBytes = typeof value === 'object' && value !== null && 'type' in value && value.type === 'Buffer';
  return isBytes && 'data' in value && Array.isArray(value.data) ? Buffer.from(value.data as number[]) : value;
}
