/** Durations and sizes as definitions, metadata and configurations write them. */

const msPerUnit: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const bytesPerUnit: Readonly<Record<string, number>> = { '': 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 };

/** Ten years: beyond it a duration is a mistake, and its milliseconds are still exact. */
const longestMs = 3_650 * 86_400_000;

/** `90`, `90s`, `1.5m`, `2h`, `1d`, `250ms` in milliseconds; a number alone is seconds. Undefined when it is none. */
export function parseDurationMs(text: number | string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)?$/.exec(String(text).trim());
  if (match === null) return undefined;
  const ms = Math.round(Number(match[1]) * (msPerUnit[match[2] ?? 's'] ?? 1000));
  return ms <= longestMs ? ms : undefined;
}

/** `4096`, `256M`, `4G`, `1.5GiB` in bytes; units are powers of 1024. Undefined when it is none. */
export function parseSizeBytes(text: number | string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?$/.exec(String(text).trim());
  if (match === null) return undefined;
  const bytes = Math.round(Number(match[1]) * (bytesPerUnit[match[2] ?? ''] ?? 1));
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}
