import { Catch, HttpException, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { limits, type Fault } from '@ryax/contracts';
import { Log } from '@ryax/platform';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { IntakeError } from './errors';

/** The only table from error code to HTTP status. */
const statusByCode: Readonly<Record<string, number>> = {
  invalid: 400,
  unauthenticated: 401,
  forbidden: 403,
  'not-found': 404,
  conflict: 409,
  'key-reused': 409,
  ended: 409,
  'too-large': 413,
  'unsupported-media-type': 415,
  overloaded: 429,
  unavailable: 503,
};

const patienceWithSendersMs = 30_000;

/** What a caller is told instead of what it asked for. */
export interface ErrorAnswer {
  readonly status: number;
  /** The facts of an error stand beside these. */
  readonly body: { readonly error: string; readonly details: readonly Fault[] };
}

/** Codes that Fastify gives to what it refuses before any of our code runs. */
const statusByFastifyCode: Readonly<Record<string, { readonly status: number; readonly error: string }>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: {
    status: 413,
    error: `A body may have ${limits.bodyBytes} bytes (bodyBytes), found more`,
  },
  FST_ERR_CTP_INVALID_MEDIA_TYPE: { status: 415, error: 'The content type is not one that this route takes' },
  FST_ERR_CTP_INVALID_JSON_BODY: { status: 400, error: 'The body is not valid JSON' },
  FST_ERR_CTP_EMPTY_JSON_BODY: { status: 400, error: 'The body is empty, JSON was expected' },
};

/** Every error leaves as `{ error, details }` with a proper status; a 500 is always our own fault, and logged. */
@Catch()
export class ErrorFilter implements ExceptionFilter {
  constructor(private readonly log: Log) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const reply = http.getResponse<FastifyReply>();
    const { status, body } = answerTo(error, this.log);
    if (status === 413) takeTheRest(http.getRequest<FastifyRequest>(), reply);
    if (status === 503 || status === 429) void reply.header('retry-after', '1');
    if (status === 401) void reply.header('www-authenticate', 'Bearer');
    void reply.status(status).send(body);
  }
}

/** The same for a whole request and for one item of a batch. */
export function answerTo(error: unknown, log: Log): ErrorAnswer {
  if (error instanceof IntakeError) {
    const status = statusByCode[error.code] ?? 500;
    return { status, body: { error: error.message, details: error.details, ...error.facts } };
  }
  // Nest wraps what Fastify refuses.
  const refused = fastifyRefusal(error instanceof HttpException ? error.cause : error);
  if (refused !== undefined) return { status: refused.status, body: { error: refused.error, details: [] } };
  if (error instanceof HttpException) {
    return { status: error.getStatus(), body: { error: error.message, details: [] } };
  }
  log.error('A request failed for a reason of ours', { error });
  return { status: 500, body: { error: 'The engine failed to answer; the log says why', details: [] } };
}

/**
 * Closing the connection on a sender would break it before it has read why. So what it still sends is read and thrown
 * away, for a while.
 */
function takeTheRest({ raw }: FastifyRequest, reply: FastifyReply): void {
  reply.removeHeader('connection');
  raw.resume();
  const patience = setTimeout(() => raw.destroy(), patienceWithSendersMs);
  raw.once('close', () => clearTimeout(patience));
}

function fastifyRefusal(error: unknown): { readonly status: number; readonly error: string } | undefined {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return undefined;
  const known = statusByFastifyCode[error.code];
  if (known !== undefined) return known;
  const isRefusal =
    'statusCode' in error && typeof error.statusCode === 'number' && error.statusCode >= 400 && error.statusCode < 500;
  return isRefusal ? { status: Number(error.statusCode), error: error.message } : undefined;
}
