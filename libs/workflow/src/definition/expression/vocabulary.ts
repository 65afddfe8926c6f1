/**
 * What of CEL a definition may use. Everything here gives JSON, always the same for the same values, in time that the
 * meter can bound. Left out: `matches` (a regular expression that backtracks blocks the engine for seconds), times
 * (their zones depend on the machine), bytes and unsigned integers (no JSON).
 */
export const functions: ReadonlySet<string> = new Set(['size', 'int', 'double', 'string', 'bool', 'dyn', 'has']);

export const methods: ReadonlySet<string> = new Set([
  'size',
  'startsWith',
  'endsWith',
  'contains',
  'indexOf',
  'lastIndexOf',
  'substring',
  'lowerAscii',
  'upperAscii',
  'trim',
  'split',
  'join',
]);

/** Methods that evaluate their last argument for each element, and with how many arguments. */
export const macros: ReadonlyMap<string, readonly number[]> = new Map([
  ['all', [2]],
  ['exists', [2]],
  ['exists_one', [2]],
  ['filter', [2]],
  ['map', [2, 3]],
]);

/** Why a function that CEL has is not ours. */
export const refusedFunctions: ReadonlyMap<string, string> = new Map([
  [
    'matches',
    'a regular expression can take seconds on a few characters; use contains, startsWith or endsWith, or match in an action',
  ],
  ['timestamp', 'times depend on the machine; compare them in an action'],
  ['duration', 'times depend on the machine; compare them in an action'],
  ['bytes', 'bytes are no JSON value'],
  ['uint', 'unsigned integers are no JSON value; use int'],
]);

/** Names that mean something in every expression of a definition. */
export const rootNames: ReadonlySet<string> = new Set(['trigger', 'state', 'run', 'item', 'index']);

const keywords = ['true', 'false', 'null', 'in'];
const reservedWords =
  'as break const continue else for function if import let loop package namespace return var void while __proto__ prototype';

/** Words that CEL itself reads: no path can be made of them. */
export const celKeywords: ReadonlySet<string> = new Set([...keywords, ...reservedWords.split(' ')]);

/** Why an entry may not have this id, or null when it may. */
export function whyReserved(id: string): string | null {
  if (rootNames.has(id)) return `"${id}" already has a meaning in expressions`;
  if (celKeywords.has(id)) return `"${id}" is a reserved word of expressions`;
  // Methods stand behind a dot, where no id can be: an entry may be called `split`.
  return functions.has(id) || macros.has(id) || refusedFunctions.has(id)
    ? `"${id}" is a function of expressions`
    : null;
}
