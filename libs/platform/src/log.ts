import { isError } from './errors';

/** Least urgent first. error: someone must look; warn: we recovered; info: the life of a run; debug: for us. */
export const logLevels = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof logLevels)[number];

/** Ids and figures of one fact. Never payloads, never secrets. */
export type LogFields = Readonly<Record<string, unknown>>;

export interface LogOptions {
  readonly service: string;
  readonly level?: LogLevel;
  /** Takes one finished line without its newline. */
  readonly write?: (line: string) => void;
}

/**
 * Writes one JSON line for each fact, in the past tense, with ids as fields:
 * `log.info('Appended a batch', { events: 12, run_id })`. An Error belongs in the field `error`.
 */
export class Log {
  private readonly threshold: number;
  private readonly write: (line: string) => void;

  constructor(
    private readonly options: LogOptions,
    private readonly fields: LogFields = {},
  ) {
    this.threshold = logLevels.indexOf(options.level ?? 'info');
    this.write = options.write ?? ((line) => process.stdout.write(`${line}\n`));
  }

  /** The same log with fields that every line carries; `service` names another service in the same process. */
  child(fields: LogFields): Log {
    return new Log({ ...this.options, write: this.write }, { ...this.fields, ...fields });
  }

  debug(message: string, fields?: LogFields): void {
    this.line('debug', message, fields);
  }

  info(message: string, fields?: LogFields): void {
    this.line('info', message, fields);
  }

  warn(message: string, fields?: LogFields): void {
    this.line('warn', message, fields);
  }

  error(message: string, fields?: LogFields): void {
    this.line('error', message, fields);
  }

  private line(level: LogLevel, message: string, fields: LogFields = {}): void {
    if (logLevels.indexOf(level) < this.threshold) return;
    const { service } = this.options;
    const time = new Date().toISOString();
    // The line's own fields win over the bound ones; none can hide when, how urgently and what was said.
    const write = (own: LogFields) =>
      this.write(
        JSON.stringify(Object.assign({ time, level, service }, this.fields, own, { time, level, message }), replacer),
      );
    try {
      write(fields);
    } catch (error) {
      // A fact that cannot be written whole must not take down what it tells about.
      write({ unwritable: String(error) });
    }
  }
}

/** What an Error says, as data: its class, code, message, stack and causes. */
export function describeError(error: unknown): unknown {
  if (!isError(error)) return error;
  const { name, message, stack, cause, ...own } = error;
  // Errors of libraries carry whole connections; what helps to act is plain: codes, ids, numbers.
  const plain = Object.entries(own).filter(
    ([, value]) => value === null || !['object', 'function'].includes(typeof value),
  );
  return {
    ...Object.fromEntries(plain),
    name,
    message,
    stack,
    ...(cause === undefined ? {} : { cause: describeError(cause) }),
    ...('errors' in error && Array.isArray(error.errors) ? { errors: error.errors.map(describeError) } : {}),
  };
}

function replacer(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString();
  return describeError(value);
}
