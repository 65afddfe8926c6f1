/** Rows as the column arrays that `unnest` takes: one statement and a fixed number of parameters, however many rows. */
export function columnsOf<Row>(rows: readonly Row[], valuesOf: (row: Row) => readonly unknown[]): unknown[][] {
  const columns: unknown[][] = [];
  for (const row of rows) {
    valuesOf(row).forEach((value, index) => (columns[index] ??= []).push(value));
  }
  return columns;
}

/** Text for a column that may be null. JSON, since PostgreSQL's `text` refuses U+0000, which a JSON text escapes. */
export function jsonOrNull(value: unknown): string | null {
  return value === null ? null : JSON.stringify(value);
}
