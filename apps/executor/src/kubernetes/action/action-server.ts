import { createReadStream, createWriteStream } from 'node:fs';
import { rm, stat } from 'node:fs/promises';
import { request, type IncomingMessage, type RequestOptions } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { limits, parsedJsonObjectSchema, type JsonObject } from '@ryax/contracts';
import { outputsTooLarge } from '../../process/attempt-failure';
import { linesOf, LineTooLongError } from '../../process/lines';
import { actionPort } from '../pod-spec';
import type { PodIdentity } from '../pod-name';
import { telling, whileMoving, type Transfer } from './transfer';

/** What the server says while it makes an attempt, line by line: docs/action-images.md. */
const lineSchema = z.union([
  z.object({ log: z.string(), offset: z.int().nonnegative() }),
  z.object({ outputs: parsedJsonObjectSchema, cwd: z.string(), duration_ms: z.number() }),
  z.object({
    failure: z.object({
      kind: z.enum(['user', 'invalid', 'crash']),
      message: z.string(),
      code: z.union([z.string(), z.number()]).optional(),
      details: parsedJsonObjectSchema.optional(),
    }),
    duration_ms: z.number().optional(),
  }),
  z.object({ beat: z.literal(true) }),
]);
export type ServerLine = z.infer<typeof lineSchema>;

const entriesSchema = z.object({
  kind: z.literal('directory'),
  entries: z.array(
    z.object({ path: z.string(), kind: z.enum(['file', 'directory']), executable: z.boolean().optional() }),
  ),
});
export type DirectoryEntry = z.infer<typeof entriesSchema>['entries'][number];
type Found = 'file' | readonly DirectoryEntry[];

const outputsSchema = z.object({ path: z.string(), bytes: z.int().nonnegative().nullable(), cwd: z.string() });

/** A line comes at least every ten seconds; everything else is answered at once. */
const silenceMs = 30_000;
const mostErrorBytes = 64 * 1024;
const ignored = (): void => undefined;

/** The server of an action image has refused: what was asked cannot be had there. */
export class ActionServerRefusal extends Error {
  constructor(
    readonly status: number,
    readonly reason: string,
  ) {
    super(`The action's server refused (${status}): ${reason}`);
    this.name = 'ActionServerRefusal';
  }

  /** As a file system would say it. */
  get code(): string | undefined {
    return this.status === 404 ? 'ENOENT' : this.status === 403 ? 'EACCES' : undefined;
  }
}

/**
 * Speaks with the server in a pod of an action image. Rejects with an ActionServerRefusal, or where the connection fails; with an
 * AttemptFailure `lost` where the server is there and files do not get on.
 */
export class ActionServer {
  /** @param patienceMs with files that do not get on */
  constructor(
    private readonly address: string,
    private readonly token: string,
    private readonly of: PodIdentity,
    private readonly patienceMs: number,
    private readonly port = actionPort,
  ) {}

  /**
   * Begins the attempt, or attaches to it. Resolves when the server has taken it.
   * @param logOffset only attach, and go on there
   * @param said of an attempt that is begun in a pod which serves many
   */
  async invoke(
    inputs: JsonObject | undefined,
    logOffset: number | undefined,
    signal: AbortSignal,
    said?: { readonly origin: object; readonly owner: string },
  ): Promise<ServerLines> {
    const body = JSON.stringify({
      attempt: this.attempt,
      ...said,
      ...(inputs !== undefined && { inputs }),
      ...(logOffset !== undefined && { log_offset: logOffset }),
    });
    const response = await this.send('POST', '/invoke', signal, { body });
    return saidIn(response);
  }

  /**
   * Puts a file of this machine, or an empty folder. Answers where it lies there. What a put before has left is no harm.
   * @param gotOn told from time to time while it gets on
   */
  async put(name: string, file: string | undefined, signal: AbortSignal, gotOn = ignored): Promise<string> {
    const found = file === undefined ? undefined : await stat(file);
    const executable = found !== undefined && (found.mode & 0o111) !== 0 ? { executable: 'true' } : {};
    const path = `/files/${name.split('/').map(encodeURIComponent).join('/')}${file === undefined ? '/' : ''}`;
    const query = this.query(executable);
    const content = file === undefined ? { body: '' } : { file, bytes: found?.size ?? 0 };
    const brought = async ({ signal, moved }: Transfer) =>
      textOf(await this.send('PUT', `${path}?${query}`, signal, { ...content, moved }));
    const answered = await this.whileMoving(`Bringing ${name} to its pod`, signal, brought, gotOn);
    return z.object({ path: z.string() }).parse(JSON.parse(answered)).path;
  }

  /** A file that was returned is written to `target`, whatever a get before has left there; of a directory the list of what is in it is answered. */
  async get(path: string, target: string, signal: AbortSignal, gotOn = ignored): Promise<Found> {
    const fetched = async ({ signal, moved }: Transfer): Promise<Found> => {
      const response = await this.send('GET', `/files?${this.query({ path })}`, signal, {});
      if (response.headers['content-type']?.startsWith('application/json') === true) {
        return entriesSchema.parse(JSON.parse(await textOf(response, moved))).entries;
      }
      await rm(target, { force: true });
      await pipeline(response, telling(moved), createWriteStream(target, { flags: 'wx' }));
      return 'file';
    };
    return this.whileMoving(`Fetching ${path} from its pod`, signal, fetched, gotOn);
  }

  /** Of the server of a command's files: where its outputs lie, how long they are if it has left any, and where it worked. */
  async outputs(signal: AbortSignal): Promise<z.infer<typeof outputsSchema>> {
    const asked = 'Asking its pod for the outputs';
    const text = await this.whileMoving(asked, signal, async (transfer) =>
      textOf(await this.send('GET', '/outputs', transfer.signal, {})),
    );
    return outputsSchema.parse(JSON.parse(text));
  }

  /** Of the same: all inputs were put, and the command may begin. */
  async end(signal: AbortSignal): Promise<void> {
    await this.whileMoving('Telling its pod that all inputs are there', signal, async (transfer) =>
      textOf(await this.send('POST', '/end', transfer.signal, { body: '{}' })),
    );
  }

  private whileMoving<T>(
    what: string,
    signal: AbortSignal,
    act: (transfer: Transfer) => Promise<T>,
    gotOn = ignored,
  ): Promise<T> {
    return whileMoving({ what, signal, patienceMs: this.patienceMs, gotOn }, act);
  }

  private get attempt() {
    const { runId: run_id, execution, attempt } = this.of;
    return { run_id, execution, attempt };
  }

  private query(more: Readonly<Record<string, string>>): string {
    const { run_id, execution, attempt } = this.attempt;
    return new URLSearchParams({ run_id, execution, attempt: String(attempt), ...more }).toString();
  }

  private async send(method: string, path: string, signal: AbortSignal, content: Content): Promise<IncomingMessage> {
    const { body, file, bytes, moved = ignored } = content;
    const length = file === undefined ? Buffer.byteLength(body ?? '') : (bytes ?? 0);
    const options: RequestOptions = {
      ...{ method, path, signal, port: this.port },
      host: this.address,
      agent: false,
      headers: { authorization: `Bearer ${this.token}`, ...(method !== 'GET' && { 'content-length': length }) },
    };
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const sending = request(options, resolve).once('error', reject);
      sending.setTimeout(silenceMs, () => {
        const silence = new Error(`The action's server said nothing for ${silenceMs / 1000} s`);
        // As the system calls it where packets are lost on the way: the server is waited for in the same way.
        sending.destroy(Object.assign(silence, { code: 'ETIMEDOUT' }));
      });
      if (file === undefined) sending.end(body);
      else pipeline(createReadStream(file), telling(moved), sending).catch(reject);
    });
    const status = response.statusCode ?? 0;
    if (status < 300) return response;
    throw new ActionServerRefusal(status, reasonIn((await textOf(response)).slice(0, mostErrorBytes)));
  }
}

/** What a request brings: a text, or a file. */
interface Content {
  readonly body?: string;
  readonly file?: string;
  readonly bytes?: number;
  readonly moved?: Transfer['moved'];
}

export type ServerLines = AsyncIterable<ServerLine>;

/** Ends without a result where the answer was broken off, and rejects where the connection failed. */
async function* saidIn(response: IncomingMessage): AsyncGenerator<ServerLine> {
  try {
    for await (const line of linesOf(response, limits.valueBytes)) {
      const parsed = parsedLine(line);
      if (parsed !== undefined) yield parsed;
    }
  } catch (error) {
    if (!(error instanceof LineTooLongError)) throw error;
    // Of its lines only the one with the outputs has no bound of its own.
    yield { failure: { kind: 'invalid', message: outputsTooLarge } };
  } finally {
    response.destroy();
  }
}

/** A line that was cut, and what a newer server may say besides, is passed over. */
function parsedLine(line: string): ServerLine | undefined {
  try {
    return lineSchema.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}

function reasonIn(text: string): string {
  try {
    return z.object({ error: z.string() }).parse(JSON.parse(text)).error;
  } catch {
    return text;
  }
}

async function textOf(response: IncomingMessage, moved: Transfer['moved'] = ignored): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of telling(moved)(response)) pieces.push(piece);
  return Buffer.concat(pieces).toString('utf8');
}
