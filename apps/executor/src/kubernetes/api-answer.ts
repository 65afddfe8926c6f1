import { z } from 'zod';
import type { Failure } from '@ryax/contracts';
import { shorten } from '../process/attempt-failure';

/** What came back from the API server, or that nothing did: then `reason` says what became of the connection. */
export type ApiAnswer =
  | {
      readonly type: 'answer';
      readonly status: number;
      /** In any case of letters. */
      readonly headers: Readonly<Record<string, string | undefined>>;
      /** JSON, plain text or nothing. A line of a watch stands here as it came, with the stream's status. */
      readonly body: string;
    }
  | { readonly type: 'none'; readonly reason: string };

/**
 * What to do about an answer. `message` says why, in the server's words.
 *
 * | verdict | what to do |
 * |---|---|
 * | ok | go on |
 * | adopt | an object of this name is there: an earlier create landed, unless its labels say that it is another's |
 * | wait-for-deletion | one of this name is still being deleted: create it when it is gone |
 * | conflict | somebody was faster: send the same again at once, or read the object again first; a few times |
 * | quota | the namespace is full: back off, others have to end first |
 * | throttled | send it again after that time |
 * | unavailable | back off, for that time at least. It may have been done: a repeated create then says adopt |
 * | expired | the resourceVersion or continue token is too old or unknown: list anew, without one |
 * | gone | the object is not there: done, for who wanted it deleted |
 * | rejected | no repeat can help |
 */
export type ApiVerdict =
  | { readonly verdict: 'ok' }
  | { readonly verdict: 'adopt' | 'wait-for-deletion' | 'quota' | 'expired' | 'gone'; readonly message: string }
  | { readonly verdict: 'conflict'; readonly next: 'repeat' | 'reread'; readonly message: string }
  | { readonly verdict: 'throttled'; readonly retryAfterMs: number; readonly message: string }
  | { readonly verdict: 'unavailable'; readonly retryAfterMs: number | undefined; readonly message: string }
  | { readonly verdict: 'rejected'; readonly failure: Failure };

/** A server that is too busy to say for how long. */
const throttledMs = 1_000;
/** However long a server asks for, a look at it once a minute does no harm. */
const longestRetryMs = 60_000;
const messageLength = 2_000;

/** A part that is not as expected is as if it were not there: proxies and old servers answer as they like. */
const statusSchema = z.object({
  kind: z.literal('Status'),
  code: z.int().optional().catch(undefined),
  reason: z.string().catch(''),
  message: z.string().catch(''),
  details: z
    .object({
      kind: z.string().catch(''),
      retryAfterSeconds: z.number().nonnegative().optional().catch(undefined),
      causes: z
        .array(z.object({ reason: z.string().catch(''), message: z.string().catch(''), field: z.string().catch('') }))
        .catch([]),
    })
    .catch({ kind: '', retryAfterSeconds: undefined, causes: [] }),
});
type Status = z.infer<typeof statusSchema>;
const watchErrorSchema = z.object({ type: z.literal('ERROR'), object: statusSchema });

/** An answer that was read. Without a Status of the API server, somebody else may have given it. */
interface Read {
  readonly code: number;
  readonly status: Status | undefined;
  readonly message: string;
  readonly retryAfterMs: number | undefined;
}

/** Says what to do about an answer of the API server. Pure and total. (A log that cannot be read yet has rules of its own.) */
export function judgeAnswer(answer: ApiAnswer): ApiVerdict {
  if (answer.type === 'none') return { verdict: 'unavailable', retryAfterMs: undefined, message: answer.reason };
  const read = readAnswer(answer);
  if (read.code >= 200 && read.code < 300) return { verdict: 'ok' };
  if (isExpired(read)) return { verdict: 'expired', message: read.message };
  return judgeError(read);
}

function judgeError(read: Read): ApiVerdict {
  const { code, message, retryAfterMs } = read;
  switch (code) {
    case 403:
      return isQuota(message) ? { verdict: 'quota', message } : rejected(read);
    case 404:
      return judgeNotFound(read);
    case 409:
      return judgeConflict(read);
    case 422:
      return isImmutable(message) ? { verdict: 'conflict', next: 'reread', message } : rejected(read);
    case 429:
      return { verdict: 'throttled', retryAfterMs: retryAfterMs ?? throttledMs, message };
    case 408:
      return { verdict: 'unavailable', retryAfterMs, message };
    default:
      // Below 400 it is no answer of an API server.
      return code >= 500 || code < 400 ? { verdict: 'unavailable', retryAfterMs, message } : rejected(read);
  }
}

/** Whoever asked for a pod in a namespace that is not there hears of the namespace. */
function judgeNotFound(read: Read): ApiVerdict {
  const { status, message, retryAfterMs } = read;
  // A proxy that has lost its server says 404 too: that a pod is gone is believed to the API server alone.
  if (status?.reason !== 'NotFound') return { verdict: 'unavailable', retryAfterMs, message };
  return status.details.kind === 'namespaces' ? rejected(read) : { verdict: 'gone', message };
}

function judgeConflict({ status, message }: Read): ApiVerdict {
  if (status?.reason === 'AlreadyExists') {
    const verdict = message.startsWith('object is being deleted') ? 'wait-for-deletion' : 'adopt';
    return { verdict, message };
  }
  // The quota's object was changed by another create, not ours.
  const isQuotaRace = /^Operation cannot be fulfilled on resourcequotas/.test(message);
  return { verdict: 'conflict', next: isQuotaRace ? 'repeat' : 'reread', message };
}

/** Every 403 has the reason Forbidden. `failed quota` is another matter: the pod does not declare what the quota counts. */
function isQuota(message: string): boolean {
  return /is forbidden: (exceeded quota|status unknown for quota): /.test(message);
}

/** An update that was made from an old copy takes back what somebody else has set since. */
function isImmutable(message: string): boolean {
  return /may not change fields other than|field is immutable/.test(message);
}

/** 410 as status, as code or as reason; a continue token that cannot be read; a version from before the server was restored. */
function isExpired({ code, status, message }: Read): boolean {
  if (code === 410 || status?.reason === 'Expired' || status?.reason === 'Gone') return true;
  if (code === 400 && message.startsWith('invalid continue token')) return true;
  return status?.details.causes.some(({ reason }) => reason === 'ResourceVersionTooLarge') ?? false;
}

function rejected({ code, status, message }: Read): ApiVerdict {
  const causes = status?.details.causes.map(({ field, message }) => ({ field, message: shorten(message, 500) })) ?? [];
  const advice = adviceFor(code, message);
  const said = `The cluster refused: ${message}`;
  const failure: Failure = {
    kind: 'rejected',
    message: shorten(advice === undefined ? said : `${said}. ${advice}`, messageLength),
    details: { status: code, reason: status?.reason ?? '', ...(causes.length > 0 && { causes }) },
  };
  return { verdict: 'rejected', failure };
}

function adviceFor(code: number, message: string): string | undefined {
  if (code === 401) return "Check the credentials in the executor's kubeconfig";
  if (code === 404) return "Create the namespace, or correct it in the site's configuration";
  if (code === 403 && / cannot \w+ resource /.test(message)) return "Give the executor's service account this right";
  if (/error looking up service account/.test(message))
    return 'Create the service account, or name another in the pod template';
  if (/: failed quota: /.test(message)) return "Declare these in the action's resources";
  return undefined;
}

function readAnswer(answer: Extract<ApiAnswer, { type: 'answer' }>): Read {
  const { code, status } = errorIn(answer);
  const seconds = retryAfterSeconds(answer.headers) ?? status?.details.retryAfterSeconds;
  return {
    code,
    status,
    message: shorten(status?.message || answer.body.trim() || `HTTP status ${code}`, messageLength),
    retryAfterMs: seconds === undefined ? undefined : Math.min(seconds * 1000, longestRetryMs),
  };
}

/** An error within a watch comes with the status of the stream, which began well; without a code it is the server's fault. */
function errorIn({ status, body }: Extract<ApiAnswer, { type: 'answer' }>): Pick<Read, 'code' | 'status'> {
  if (status >= 300) return { code: status, status: statusSchema.safeParse(parseJson(body)).data };
  // A list of thousands of pods is not read for this.
  if (!/^\s*\{\s*"type"\s*:\s*"ERROR"/.test(body)) return { code: status, status: undefined };
  const object = watchErrorSchema.safeParse(parseJson(body)).data?.object;
  return { code: object?.code ?? 500, status: object };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The API server says whole seconds; a proxy's date is passed over. */
function retryAfterSeconds(headers: Readonly<Record<string, string | undefined>>): number | undefined {
  const value = Object.entries(headers).find(([name]) => name.toLowerCase() === 'retry-after')?.[1];
  return value !== undefined && /^\d+$/.test(value.trim()) ? Number(value) : undefined;
}
