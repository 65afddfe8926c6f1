export interface ServerSentEvent {
  readonly id: string;
  readonly type: string;
  readonly data: string;
}

/** Reads a `text/event-stream` (WHATWG HTML §9.2): blocks of `field: value` lines, each ended by an empty line. */
export async function* parseServerSentEvents(body: ReadableStream<Uint8Array> | null): AsyncGenerator<ServerSentEvent> {
  let block: Record<string, string> = {};
  for await (const line of lines(body)) {
    if (line === '') {
      if (block['data'] !== undefined)
        yield { id: block['id'] ?? '', type: block['event'] ?? 'message', data: block['data'] };
      block = {};
      continue;
    }
    const [, field = '', value = ''] = /^([^:]*)(?:: ?(.*))?$/.exec(line) ?? [];
    const before = field === 'data' ? block['data'] : undefined;
    block[field] = before === undefined ? value : `${before}\n${value}`;
  }
}

async function* lines(body: ReadableStream<Uint8Array> | null): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const bytes of body ?? []) {
    const parts = (rest + decoder.decode(bytes, { stream: true })).split('\n');
    rest = parts.pop() ?? '';
    for (const part of parts) yield part.replace(/\r$/, '');
  }
}
