'use strict';

const { readFileSync, writeFileSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { page } = require('./page');

module.exports = function handle({ regions, fits, summary, chart, alarmed }) {
  const rows = regions.map(({ name, quakes }, index) => ({ name, quakes, fit: fits[index] }));
  const document = join(tmpdir(), 'report.html');
  writeFileSync(document, page({ rows, summary, chart: readFileSync(chart, 'utf8'), alarmed }));
  return { document };
};
