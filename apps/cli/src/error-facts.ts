/** What an error says of itself. Read from its fields, not its class: errors of Node's own parts may come from another realm. */
export function codeOf(error: unknown): string | undefined {
  return textField(error, 'code');
}

export function nameOf(error: unknown): string | undefined {
  return textField(error, 'name');
}

/** Never empty: an error without words is told by its code. */
export function messageOf(error: unknown): string {
  return (
    [textField(error, 'message'), codeOf(error), nameOf(error)].find((text) => text !== undefined && text !== '') ??
    String(error)
  );
}

export function causeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'cause' in error ? error.cause : undefined;
}

function textField(error: unknown, field: 'code' | 'name' | 'message'): string | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  const value: unknown = Reflect.get(error, field);
  return typeof value === 'string' ? value : undefined;
}
