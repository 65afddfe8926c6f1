'use strict';

const { writeFileSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { drawDistributions } = require('./distributions');
const { drawIntervals } = require('./intervals');
const { element, text } = require('./svg');

const width = 1120;
const height = 600;
/** Okabe and Ito's palette, told apart by most colour-blind readers, too; black and yellow are left out. */
const colours = ['#0072B2', '#D55E00', '#009E73', '#CC79A7', '#E69F00', '#56B4E9'];

module.exports = function handle({ fits }) {
  const regions = fits
    .filter((fit) => fit !== null)
    .sort((a, b) => b.sample - a.sample)
    .map((fit, index) => ({ ...fit, colour: colours[index % colours.length] }));
  const image = join(tmpdir(), 'b-values.svg');
  writeFileSync(image, draw(regions));
  return { image };
};

function draw(regions) {
  const attributes = {
    xmlns: 'http://www.w3.org/2000/svg',
    viewBox: `0 0 ${width} ${height}`,
    role: 'img',
    'font-family': 'Helvetica, Arial, sans-serif',
    'font-size': 13,
    fill: '#333',
  };
  return element('svg', attributes, [
    element('title', {}, ['Earthquakes by magnitude, and the b-value of each region']),
    element('rect', { width, height, fill: '#fff' }),
    text(60, 40, 'How often the ground shakes, and how hard', { 'font-size': 21, 'font-weight': 600, fill: '#111' }),
    text(60, 64, 'Each step up in magnitude makes earthquakes rarer by a factor of 10 to the power of b.', {
      fill: '#666',
    }),
    drawDistributions(regions, { left: 60, top: 112, width: 560, height: 410 }),
    drawIntervals(regions, { left: 780, top: 112, width: 300, height: 410 }),
    text(
      60,
      height - 14,
      'Data: U.S. Geological Survey, public domain. Lines: maximum likelihood (Aki 1965), from the magnitude of completeness on.',
      {
        'font-size': 11,
        fill: '#888',
      },
    ),
  ]);
}
