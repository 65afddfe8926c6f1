import { limits, type JsonObject, type JsonValue, type ValueReference } from '@ryax/contracts';
import type { EventLog, StoredEvent } from '@ryax/event-log';
import { CorruptContentError, NotFoundError, putValue, type FileStore } from '@ryax/filestore';
import { UnreadableValue, type Need, type ValueSource } from '@ryax/workflow';
import { ByteBoundedCache } from '@ryax/platform';

const cacheBytes = 64 * 1024 * 1024;

/** Read together: at most `valueBytes`, where each is as large as an event may be. */
const eventsTogether = limits.valueBytes / limits.eventBytes;

/**
 * Values that run states point at and do not hold: outputs recorded by an event, and content of `$value` references.
 * What a chain's next step will ask for was usually written a moment ago, so recent ones are kept.
 */
export class Values {
  private readonly events = new ByteBoundedCache<string, JsonObject>(cacheBytes);
  private readonly contents = new ByteBoundedCache<string, JsonValue>(cacheBytes);

  constructor(
    private readonly log: EventLog,
    private readonly files: FileStore,
  ) {}

  /** Offers a value that was just appended. `bytes` is its size as JSON. */
  remember(streamId: string, version: number, value: JsonObject, bytes: number): void {
    this.events.set(`${streamId}@${version}`, value, bytes);
  }

  /** The log may have lost what these versions once held. */
  forgetAll(): void {
    this.events.clear();
  }

  /**
   * What has been loaded for one decision stays until that decision is made, however large it is. So each load is of something
   * new, or fails: one value leads to the next as often as a run has values, but never to itself. Beyond `valueBytes` nothing more
   * is read: a run that wants that fails by it, and not the runner with all others.
   *
   * @param decided what the decision's own events record
   */
  forDecision(
    streamId: string,
    decided: (version: number) => JsonObject | undefined = () => undefined,
  ): LoadableValues {
    // Nearly every decision finds what it needs in the state: nothing is made for it until something is loaded.
    let loaded: Loaded | undefined;
    return {
      event: (version) => loaded?.events.get(version) ?? decided(version) ?? this.events.get(`${streamId}@${version}`),
      content: (hash) => loaded?.contents.get(hash) ?? this.contents.get(hash),
      stored: (name) => loaded?.stored.get(name),
      load: async (needs) => {
        const into = (loaded ??= { events: new Map(), contents: new Map(), stored: new Map(), bytes: 0 });
        if (needs.every((need) => isIn(need, into)))
          throw new Error(`Expected ${streamId} to need what is not loaded yet, found only what is`);
        await this.load(streamId, needs, into);
        const absent = needs.find((need) => !isIn(need, into));
        if (absent !== undefined) throw new Error(`Expected ${JSON.stringify(absent)} in ${streamId}, found none`);
      },
    };
  }

  private async load(streamId: string, needs: readonly Need[], into: Loaded): Promise<void> {
    const versions = needs.flatMap((need) => (need.type === 'event' ? [need.version] : []));
    for (let from = 0; from < versions.length; from += eventsTogether) {
      await this.loadEvents(streamId, versions.slice(from, from + eventsTogether), into);
    }
    for (const need of needs) {
      if (need.type === 'content') into.contents.set(need.hash, await this.content(need.hash, into));
      if (need.type === 'store') into.stored.set(need.name, await putValue(this.files, need.value));
    }
  }

  private async loadEvents(streamId: string, versions: readonly number[], into: Loaded): Promise<void> {
    if (into.bytes > limits.valueBytes) {
      for (const version of versions) into.events.set(version, tooMuch);
      return;
    }
    for (const event of await this.log.readVersions(streamId, versions)) {
      const value = recordedValue(event);
      into.events.set(event.version, value);
      into.bytes += event.data.length;
      this.events.set(`${streamId}@${event.version}`, value, event.data.length);
    }
  }

  /** What is not there, or is no JSON, fails what was to be made of it; a store that cannot be read now fails the decision. */
  private async content(hash: string, into: Loaded): Promise<JsonValue | UnreadableValue> {
    const known = this.contents.get(hash);
    if (known !== undefined) return known;
    if (into.bytes > limits.valueBytes) return tooMuch;
    try {
      const text = (await this.files.read(hash)).toString('utf8');
      const value = JSON.parse(text) as JsonValue;
      into.bytes += text.length;
      this.contents.set(hash, value, text.length);
      return value;
    } catch (error) {
      const isMissing =
        error instanceof NotFoundError || error instanceof CorruptContentError || error instanceof SyntaxError;
      if (isMissing) return new UnreadableValue(`${hash} is not in the filestore`);
      throw error;
    }
  }
}

const tooMuch = new UnreadableValue(
  `more than ${limits.valueBytes} bytes (valueBytes) would have to be read; let an action read what is large`,
);

interface Loaded {
  readonly events: Map<number, JsonObject | UnreadableValue>;
  readonly contents: Map<string, JsonValue | UnreadableValue>;
  readonly stored: Map<string, ValueReference>;
  /** Of the texts of those that were read. */
  bytes: number;
}

function isIn(need: Need, { events, contents, stored }: Loaded): boolean {
  switch (need.type) {
    case 'event':
      return events.has(need.version);
    case 'content':
      return contents.has(need.hash);
    case 'store':
      return stored.has(need.name);
    default:
      return need satisfies never;
  }
}

export interface LoadableValues extends ValueSource {
  /** Rejects where all of it is loaded already, or some of it is not there: whoever asks would ask for ever. */
  load(needs: readonly Need[]): Promise<void>;
}

/** The value that an event records: an execution's outputs, or a run's inputs. */
function recordedValue(event: StoredEvent): JsonObject {
  const data = JSON.parse(event.data) as { readonly outputs?: JsonObject; readonly inputs?: JsonObject };
  return data.outputs ?? data.inputs ?? {};
}
