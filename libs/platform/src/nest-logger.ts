import type { LoggerService } from '@nestjs/common';
import { isError, messageOf } from './errors';
import type { Log, LogLevel } from './log';

/** Lets the framework's own lines out through our log, so that every line of a service is JSON. */
export class NestLogger implements LoggerService {
  constructor(private readonly sink: Log) {}

  // Nest reports each module and route that it set up at this level: of interest to us only.
  log(message: unknown, ...details: unknown[]): void {
    this.write('debug', message, details);
  }

  verbose(message: unknown, ...details: unknown[]): void {
    this.write('debug', message, details);
  }

  debug(message: unknown, ...details: unknown[]): void {
    this.write('debug', message, details);
  }

  warn(message: unknown, ...details: unknown[]): void {
    this.write('warn', message, details);
  }

  error(message: unknown, ...details: unknown[]): void {
    this.write('error', message, details);
  }

  fatal(message: unknown, ...details: unknown[]): void {
    this.write('error', message, details);
  }

  /** Nest passes its context (the class that speaks) last, and for errors a stack before it. */
  private write(level: LogLevel, message: unknown, details: unknown[]): void {
    const context = details.at(-1);
    const rest = details.slice(0, -1).filter((detail) => detail !== undefined);
    this.sink[level](messageOf(message), {
      ...(typeof context === 'string' ? { context } : {}),
      ...(isError(message) ? { error: message } : {}),
      ...(rest.length > 0 ? { details: rest } : {}),
    });
  }
}
