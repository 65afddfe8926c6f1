/**
 * How many of the first bytes can be decoded on their own: all, or fewer when the last character continues in bytes to
 * come. Bytes that are no UTF-8 at all count as characters of their own, so at most three are ever held back.
 */
export function decodableLength(bytes: Uint8Array): number {
  const earliest = Math.max(0, bytes.length - 3);
  for (let index = bytes.length - 1; index >= earliest; index--) {
    const byte = bytes[index] ?? 0;
    if (isContinuation(byte)) continue;
    return index + characterLength(byte) > bytes.length ? index : bytes.length;
  }
  return bytes.length;
}

function isContinuation(byte: number): boolean {
  return (byte & 0b1100_0000) === 0b1000_0000;
}

/** Bytes of the character that begins with this one. */
function characterLength(lead: number): number {
  if (lead >= 0b1111_0000 && lead < 0b1111_1000) return 4;
  if (lead >= 0b1110_0000) return lead < 0b1111_0000 ? 3 : 1;
  return lead >= 0b1100_0000 ? 2 : 1;
}
