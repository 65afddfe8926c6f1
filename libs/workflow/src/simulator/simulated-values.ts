import { limits, type JsonObject, type JsonValue, type RunEvent, type ValueReference } from '@ryax/contracts';
import type { Need, ValueSource } from '../run/run-aggregate';
import { isLargerThan } from '../run/stored-value';

/** Keeps what a run's state leaves in the log, and what it would write to the filestore. */
export class SimulatedValues implements ValueSource {
  private readonly events = new Map<number, JsonObject>();
  private readonly contents = new Map<string, JsonValue>();
  private readonly references = new Map<string, ValueReference>();

  event(version: number): JsonObject | undefined {
    return this.events.get(version);
  }

  content(hash: string): JsonValue | undefined {
    return this.contents.get(hash);
  }

  stored(name: string): ValueReference | undefined {
    return this.references.get(name);
  }

  /** @param lastVersion of the last of these events */
  record(events: readonly RunEvent[], lastVersion: number): void {
    events.forEach((event, index) => {
      const value = recordedValue(event);
      if (value === undefined || !isLargerThan(value, limits.stateValueBytes)) return;
      this.events.set(lastVersion - events.length + index + 1, value);
    });
  }

  /** True when something was stored, so that deciding again may get further. */
  meet(needs: readonly Need[]): boolean {
    const before = this.contents.size;
    for (const need of needs) {
      if (need.type !== 'store') continue;
      const hash = `sha256:${this.contents.size.toString(16).padStart(64, '0')}`;
      this.contents.set(hash, need.value);
      this.references.set(need.name, { $value: hash, size: 0 });
    }
    return this.contents.size > before;
  }
}

function recordedValue(event: RunEvent): JsonObject | undefined {
  if (event.type === 'ExecutionSucceeded') return event.data.outputs;
  return event.type === 'RunStarted' ? event.data.inputs : undefined;
}
