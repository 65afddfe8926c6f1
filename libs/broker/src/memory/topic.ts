/** Whether a topic pattern matches a routing key: `*` stands for one word, `#` for any number of words, none included. */
export function matchesTopic(pattern: string, key: string): boolean {
  return matches(pattern.split('.'), key.split('.'));
}

function matches([head, ...rest]: readonly string[], words: readonly string[]): boolean {
  if (head === undefined) return words.length === 0;
  if (head === '#') return words.some((_, index) => matches(rest, words.slice(index))) || matches(rest, []);
  const [word, ...others] = words;
  return word !== undefined && (head === '*' || head === word) && matches(rest, others);
}
