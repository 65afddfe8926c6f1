'use strict';

const { StringDecoder } = require('node:string_decoder');

const mostLastWordsBytes = 500;

/** Valid UTF-8, whatever was written, so that an offset into it is an offset into the text that a client has. */
class Log {
  #bytes = Buffer.alloc(0);
  #room;
  #dropped = 0;
  #decoder = new StringDecoder('utf8');

  constructor(mostBytes) {
    this.mostBytes = mostBytes;
    this.#room = mostBytes;
    this.length = 0;
  }

  write(bytes) {
    this.#add(Buffer.from(this.#decoder.write(bytes)));
  }

  end() {
    this.#add(Buffer.from(this.#decoder.end()));
    if (this.#dropped === 0) return;
    const limit = `a log may have ${this.mostBytes} bytes (RYAX_MAX_LOG_BYTES)`;
    this.#append(Buffer.from(`\n[ryax] ${this.#dropped} more bytes of output were dropped: ${limit}\n`));
  }

  /** At most so many bytes from there on, and never a part of a character. */
  slice(from, mostBytes = this.length) {
    const end = atCharacter(this.#bytes.subarray(0, this.length), Math.min(this.length, from + mostBytes));
    return this.#bytes.subarray(from, end);
  }

  /** Its end, for people. */
  tail(mostBytes) {
    return this.#bytes.subarray(Math.max(0, this.length - mostBytes), this.length).toString('utf8');
  }

  get lastWords() {
    const lines = this.tail(mostLastWordsBytes).split('\n');
    const last = lines.map((line) => line.trim()).findLast((line) => line !== '');
    return last === undefined ? '' : `: ${last}`;
  }

  #add(text) {
    const kept = atCharacter(text, Math.min(text.length, this.#room));
    // Once something is missing, nothing that comes after it is kept: what is there has no holes.
    this.#room = kept < text.length ? 0 : this.#room - kept;
    this.#dropped += text.length - kept;
    this.#append(text.subarray(0, kept));
  }

  #append(text) {
    if (this.length + text.length > this.#bytes.length) {
      const larger = Buffer.alloc(Math.max(this.length + text.length, 2 * this.#bytes.length));
      this.#bytes.copy(larger, 0, 0, this.length);
      this.#bytes = larger;
    }
    text.copy(this.#bytes, this.length);
    this.length += text.length;
  }
}

/** The end, or the last one before it that is not inside a character. */
function atCharacter(bytes, end) {
  let at = end;
  while (at > 0 && at < bytes.length && (bytes[at] & 0xc0) === 0x80) at -= 1;
  return at;
}

module.exports = { Log };
