import type { JsonObject, JsonValue, ValueReference } from '@ryax/contracts';
import type { EventLog, StoredEvent } from '@ryax/event-log';
import { CorruptContentError, NotFoundError, putValue, type FileStore } from '@ryax/filestore';
import { UnreadableValue, type Need, type ValueSource } from '@ryax/workflow';
import { ByteBoundedCache } from '@ryax/platform';

const cacheBytes = 64 * 1024 * 1024;

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
   * new, or fails: one value leads to the next as often as a run has values, but never to itself.
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
        const into = (loaded ??= { events: new Map(), contents: new Map(), stored: new Map() });
        if (needs.every((need) => isIn(need, into)))
          throw new Error(`Expected ${streamId} to need what is not loaded yet, found only what is`);
        await this.load(streamId, needs, into);
        const absent = needs.find((need) => !isIn(need, into));
        if (absent !== undefined) throw new Error(`Expected ${JSON.stringify(absent)} in ${streamId}, found none`);
      },
    };
  }

  private async load(streamId: string, needs: readonly Need[], { events, contents, stored }: Loaded): Promise<void> {
    const versions = needs.flatMap((need) => (need.type === 'event' ? [need.version] : []));
    for (const event of versions.length > 0 ? await this.log.readVersions(streamId, versions) : []) {
      const value = recordedValue(event);
      events.set(event.version, value);
      this.events.set(`${streamId}@${event.version}`, value, event.data.length);
    }
    for (const need of needs) {
      if (need.type === 'content') contents.set(need.hash, await this.content(need.hash));
      if (need.type === 'store') stored.set(need.name, await putValue(this.files, need.value));
    }
  }

  /** What is not there, or is no JSON, fails what was to be made of it; a store that cannot be read now fails the decision. */
  private async content(hash: string): Promise<Content> {
    const known = this.contents.get(hash);
    if (known !== undefined) return known;
    try {
      const text = (await this.files.read(hash)).toString('utf8');
      const value = JSON.parse(text) as JsonValue;
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

type Content = JsonValue | UnreadableValue;

interface Loaded {
  readonly events: Map<number, JsonObject>;
  readonly contents: Map<string, Content>;
  readonly stored: Map<string, ValueReference>;
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
