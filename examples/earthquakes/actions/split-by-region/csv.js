'use strict';

/** Rows of a CSV (RFC 4180, without line breaks inside of fields) as objects by the head's names. */
exports.parseCsv = function parseCsv(text) {
  const [head, ...rows] = text.split(/\r?\n/).filter(Boolean).map(fieldsOf);
  return rows.map((row) => Object.fromEntries(head.map((name, column) => [name, row[column] ?? ''])));
};

function fieldsOf(line) {
  const fields = [];
  for (const [, quoted, bare] of line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)) {
    fields.push(quoted === undefined ? bare : quoted.replaceAll('""', '"'));
  }
  return fields;
}
