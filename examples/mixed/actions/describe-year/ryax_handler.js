'use strict';

const { writeFileSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');

module.exports = function handle({ climates }) {
  const head = ['Month', ...climates.map(({ city }) => city)];
  const names = climates[0]?.months.map(({ name }) => name) ?? [];
  const rows = names.map((name, month) => [name, ...climates.map(({ months }) => cell(months[month]))]);
  const lines = [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`);
  const document = join(tmpdir(), 'climate.md');
  writeFileSync(document, `# The year\n\n${lines.join('\n')}\n`);
  return { document };
};

function cell({ temperature_c: temperature, precipitation_mm: precipitation }) {
  return `${temperature.toFixed(1)} °C, ${precipitation.toFixed(0)} mm`;
}
