import { limits } from '@ryax/contracts';

export const tooNested = `expected at most ${limits.messageDepth} levels of nesting (messageDepth)`;

const quote = 0x22;
const backslash = 0x5c;
const comma = 0x2c;
const openList = 0x5b;
const closeList = 0x5d;
const openObject = 0x7b;
const closeObject = 0x7d;

/**
 * Whether a valid JSON text nests beyond `messageDepth`. Every message is judged: reading a kilobyte of text takes 2 µs, walking
 * what was made of it 7, and that most have too few brackets is known after less than 1.
 */
export function isTooNested(json: Buffer): boolean {
  return opensMoreThan(limits.messageDepth, json) && depthOf(json) > limits.messageDepth;
}

/** Brackets inside of texts count, too: it only says for which texts there is no need to look. */
function opensMoreThan(most: number, json: Buffer): boolean {
  let found = 0;
  for (const bracket of [openList, openObject]) {
    for (let at = json.indexOf(bracket); at !== -1; at = json.indexOf(bracket, at + 1)) {
      if (++found > most) return true;
    }
  }
  return false;
}

function depthOf(json: Buffer): number {
  let depth = 0;
  let deepest = 0;
  for (let at = 0; at < json.length; at++) {
    const byte = json[at];
    if (byte === quote) at = endOfText(json, at);
    else if (byte === openList || byte === openObject) deepest = Math.max(deepest, ++depth);
    else if (byte === closeList || byte === closeObject) depth--;
  }
  return deepest;
}

/** The texts of a list's elements, as they stand in the text of the list. */
export function elementsOf(json: Buffer): Buffer[] {
  const elements: Buffer[] = [];
  let depth = 0;
  let start = 0;
  for (let at = 0; at < json.length; at++) {
    const byte = json[at];
    if (byte === quote) at = endOfText(json, at);
    else if (byte === openList || byte === openObject) {
      if (depth++ === 0) start = at + 1;
    } else if (byte === closeList || byte === closeObject) {
      if (--depth === 0) elements.push(json.subarray(start, at));
    } else if (byte === comma && depth === 1) {
      elements.push(json.subarray(start, at));
      start = at + 1;
    }
  }
  return elements;
}

/** The place of the quote that ends what the one at `start` begins. */
function endOfText(json: Buffer, start: number): number {
  let at = start + 1;
  while (at < json.length && json[at] !== quote) at += json[at] === backslash ? 2 : 1;
  return at;
}
