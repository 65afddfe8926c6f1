import { types } from 'node:util';

/** Unlike `instanceof`, also knows errors of another realm, such as Node's own inside Jest. */
export function isError(value: unknown): value is Error {
  return types.isNativeError(value) || value instanceof Error;
}

/** What a caught value says, whatever was thrown. */
export function messageOf(error: unknown): string {
  return isError(error) ? error.message : String(error);
}

/** The string by which errors of Node, PostgreSQL, AMQP and ours are told apart (`ECONNREFUSED`, `23505`). */
export function codeOf(error: unknown): string | undefined {
  return isError(error) && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
