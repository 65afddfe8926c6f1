import type { LogSink } from '../launcher';
import { overlap } from './output-pipe';

const mask = Buffer.from('****');
/** Shorter passwords would mask half of an ordinary text. */
const shortestMasked = 4;

/**
 * Replaces secrets in a stream of output, also where they are cut by the borders of chunks. Only the beginning of a
 * possible secret is ever held back, so what is interactive stays so.
 */
export class MaskedOutput implements LogSink {
  private readonly secrets: readonly Buffer[];
  private held: Buffer = Buffer.alloc(0);

  constructor(
    private readonly sink: LogSink,
    secrets: readonly string[],
  ) {
    this.secrets = spellings(secrets).map((secret) => Buffer.from(secret));
  }

  write(bytes: Buffer): boolean {
    if (this.secrets.length === 0) return this.sink.write(bytes);
    const all = Buffer.concat([this.held, bytes]);
    const { clean, rest } = this.replace(all);
    const length = Math.max(...this.secrets.map((secret) => overlap(rest, secret)));
    this.held = rest.subarray(rest.length - length);
    const ready = Buffer.concat([...clean, rest.subarray(0, rest.length - length)]);
    return ready.length === 0 || this.sink.write(ready);
  }

  drained(): Promise<void> {
    return this.sink.drained();
  }

  /** Passes on what was held back; nothing more will come. */
  flush(): void {
    if (this.held.length > 0) this.sink.write(this.held);
    this.held = Buffer.alloc(0);
  }

  private replace(all: Buffer): { readonly clean: Buffer[]; readonly rest: Buffer } {
    const clean: Buffer[] = [];
    let rest = all;
    for (let found = this.first(rest); found !== undefined; found = this.first(rest)) {
      clean.push(rest.subarray(0, found.at), mask);
      rest = rest.subarray(found.at + found.length);
    }
    return { clean, rest };
  }

  private first(bytes: Buffer): { readonly at: number; readonly length: number } | undefined {
    let first: { at: number; length: number } | undefined;
    for (const { length, at } of this.secrets.map((secret) => ({ length: secret.length, at: bytes.indexOf(secret) }))) {
      // Of two that begin at one place the longer one comes first in the list.
      if (at !== -1 && (first === undefined || at < first.at)) first = { at, length };
    }
    return first;
  }
}

/** The same in a text that is at hand as a whole. */
export function maskText(text: string, secrets: readonly string[]): string {
  return spellings(secrets).reduce((masked, secret) => masked.replaceAll(secret, '****'), text);
}

/** A secret as it is, and as it stands in printed JSON; the longest first. */
function spellings(secrets: readonly string[]): readonly string[] {
  const all = secrets.flatMap((secret) => [secret, JSON.stringify(secret).slice(1, -1)]);
  return [...new Set(all)].filter(({ length }) => length >= shortestMasked).sort((a, b) => b.length - a.length);
}
