'use strict';

const { mkdtempSync, readFileSync, writeFileSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { parseCsv } = require('./csv');

/** The catalogue names California in two ways. */
const otherNames = { CA: 'California', MX: 'Mexico' };

module.exports = function handle({ catalogue, min_events: minEvents }) {
  const events = parseCsv(readFileSync(catalogue, 'utf8'));
  const quakes = events.filter(({ kind, magnitude }) => kind === 'earthquake' && magnitude !== '');
  const byRegion = groupBy(quakes, regionOf);
  const large = [...byRegion]
    .filter(([, found]) => found.length >= minEvents)
    .sort(([, a], [, b]) => b.length - a.length);

  const folder = mkdtempSync(join(tmpdir(), 'regions-'));
  const regions = large.map(([name, found]) => {
    const file = join(folder, `${name.toLowerCase().replace(/\W+/g, '-')}.txt`);
    writeFileSync(file, found.map(({ magnitude }) => `${magnitude}\n`).join(''));
    return { name, quakes: found.length, file: { $file: file } };
  });
  for (const { name, quakes: count } of regions) console.log(`${name}: ${count} earthquakes`);

  const used = regions.reduce((sum, { quakes: count }) => sum + count, 0);
  const times = quakes.map(({ time }) => time).sort();
  const summary = {
    events: events.length,
    quakes: quakes.length,
    used,
    regions: byRegion.size,
    from: times[0] ?? '',
    to: times.at(-1) ?? '',
    min_events: minEvents,
  };
  console.log(`${quakes.length - used} earthquakes of ${byRegion.size - regions.length} smaller regions were left out`);
  return { regions, summary };
};

/** `12km W of Castaic, CA` is in California; a place without a comma is its own region. */
function regionOf({ place }) {
  const name = place.split(',').at(-1).trim();
  return otherNames[name] ?? name;
}

function groupBy(items, keyOf) {
  const groups = new Map();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
}
