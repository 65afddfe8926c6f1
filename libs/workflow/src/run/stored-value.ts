import { limits, roomAfterText, type JsonObject } from '@ryax/contracts';

/** A value in run state: itself when small, else the version of the event that holds it; null where there is none. */
export type StoredValue = JsonObject | number | null;

export function storedValue(value: JsonObject, version: number): StoredValue {
  return isLargerThan(value, limits.stateValueBytes) ? version : value;
}

/**
 * Whether a value's JSON text is longer than so many bytes. Stops as soon as it knows: a look at a large value costs no
 * more than a look at one of the limit's size.
 */
export function isLargerThan(value: unknown, bytes: number): boolean {
  return roomAfter(value, bytes) < 0;
}

/** What is left of `room` after the value's text; some negative number as soon as it does not fit. */
function roomAfter(value: unknown, room: number): number {
  if (room < 0) return room;
  if (typeof value === 'string') return roomAfterText(value, room - 2);
  if (typeof value === 'number') return room - String(value).length;
  if (typeof value !== 'object' || value === null) return room - (value === false ? 5 : 4);
  let left = room - 2;
  if (Array.isArray(value)) {
    for (const item of value) if ((left = roomAfter(item, left - 1)) < 0) return left;
    return left;
  }
  for (const [key, field] of Object.entries(value)) {
    if ((left = roomAfter(field, roomAfterText(key, left - 4))) < 0) return left;
  }
  return left;
}
