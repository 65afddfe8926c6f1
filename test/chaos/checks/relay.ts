import { isDeepStrictEqual } from 'node:util';
import { byStream, type HeardEvent, type LoggedEvent, type Violation } from './violation';

/**
 * The subscriber has heard every event at least once, each for the first time only after all before it in its stream, each as
 * it stands in the log, and nothing else. (A page that is repeated after a crash repeats the order.)
 */
export function checkRelay(events: readonly LoggedEvent[], heard: readonly HeardEvent[]): Violation[] {
  const logged = byStream(events);
  const heardOf = byStream(heard);
  const streams = new Set([...logged.keys(), ...heardOf.keys()]);
  return [...streams].flatMap((stream) => checkStream(stream, logged.get(stream) ?? [], heardOf.get(stream) ?? []));
}

function checkStream(stream: string, logged: readonly LoggedEvent[], heard: readonly HeardEvent[]): Violation[] {
  const byVersion = new Map(logged.map((event) => [event.version, event]));
  const known = heard.filter(({ version }) => byVersion.has(version));
  const wrong = [
    ...heard
      .filter((each) => !known.includes(each))
      .map((each) => `the relay told ${nameOf(each)}, which is not there`),
    ...known.flatMap((each) => difference(each, byVersion.get(each.version))),
  ];
  const versions = [...byVersion.keys()].sort((one, other) => one - other);
  const { told, early } = inOrder(versions, known);
  if (early !== undefined) wrong.push(`the relay told version ${early} before version ${versions[told]}`);
  const missing = versions.length - told;
  return [
    ...wrong.map<Violation>((what) => ({ category: 'wrong', subject: stream, what })),
    ...(missing > 0 && early === undefined
      ? [
          {
            category: 'lost' as const,
            subject: stream,
            what: `the relay did not tell ${missing} of its ${versions.length} events`,
          },
        ]
      : []),
  ];
}

/** How many were told in their order, and the first that was told before its turn. */
function inOrder(versions: readonly number[], heard: readonly HeardEvent[]): { told: number; early?: number } {
  const place = new Map(versions.map((version, index) => [version, index]));
  let told = 0;
  for (const { version } of heard) {
    const at = place.get(version) ?? 0;
    if (at > told) return { told, early: version };
    if (at === told) told++;
  }
  return { told };
}

/** In what an event that was heard is another than that in the log. */
function difference(heard: HeardEvent, logged: LoggedEvent | undefined): string[] {
  const fields = ['position', 'type', 'data'] as const;
  return fields
    .filter((field) => !isDeepStrictEqual(heard[field], logged?.[field]))
    .map((field) => {
      const [expected, found] = [logged?.[field], heard[field]].map((value) => JSON.stringify(value));
      return `expected the relay to tell ${field} ${expected} of version ${heard.version}, found ${found}`;
    });
}

function nameOf({ version, type, position }: HeardEvent): string {
  return `version ${version} (${type} at position ${position})`;
}
