import { byStream, type HeardEvent, type LoggedEvent, type Violation } from './violation';

/**
 * The subscriber has heard every event at least once, and each for the first time only after all before it in its stream. (A
 * page that is repeated after a crash repeats the order.)
 */
export function checkRelay(events: readonly LoggedEvent[], heard: readonly HeardEvent[]): Violation[] {
  const heardOf = byStream(heard);
  return [...byStream(events)].flatMap<Violation>(([stream, ofStream]) => {
    let next = 1;
    let early: HeardEvent | undefined;
    for (const each of heardOf.get(stream) ?? []) {
      if (each.version === next) next++;
      else if (each.version > next) early ??= each;
    }
    const missing = ofStream.length - (next - 1);
    if (early !== undefined) {
      const what = `the relay told version ${early.version} before version ${early.version - 1}`;
      return [{ category: 'wrong', subject: stream, what }];
    }
    const what = `the relay did not tell ${missing} of its ${ofStream.length} events`;
    return missing <= 0 ? [] : [{ category: 'lost', subject: stream, what }];
  });
}
