'use strict';

const { element, scale, text, ticks } = require('./svg');

/** Each region's b-value with its 95 % interval; 1 is what is found in most of the world. */
exports.drawIntervals = function drawIntervals(regions, { left, top, width, height }) {
  const xRange = [
    Math.min(0, ...regions.map(({ low }) => low)),
    Math.ceil(Math.max(1.5, ...regions.map(({ high }) => high)) * 2) / 2,
  ];
  const x = scale(xRange, [left, left + width]);
  const rowHeight = height / Math.max(1, regions.length);
  return element('g', {}, [
    text(left, top - 14, 'b-value, with its 95 % interval', { 'font-weight': 600 }),
    ...ticks(xRange, 0.5).flatMap((value) => [
      element('line', { x1: x(value), x2: x(value), y1: top, y2: top + height, stroke: '#e8e8e8' }),
      text(x(value), top + height + 21, value.toFixed(1), { 'text-anchor': 'middle', fill: '#666' }),
    ]),
    element('line', { x1: x(1), x2: x(1), y1: top, y2: top + height, stroke: '#999', 'stroke-dasharray': '4 4' }),
    element('line', { x1: left, x2: left + width, y1: top + height, y2: top + height, stroke: '#999' }),
    text(left + width / 2, top + height + 42, 'b', { 'text-anchor': 'middle' }),
    ...regions.map((region, index) => drawRow(region, x, left, top + (index + 0.5) * rowHeight)),
  ]);
};

function drawRow({ region, colour, sample, b_value: b, low, high }, x, left, y) {
  return element('g', {}, [
    text(left - 14, y - 1, region, { 'text-anchor': 'end', 'font-weight': 600 }),
    text(left - 14, y + 15, `${sample} earthquakes`, { 'text-anchor': 'end', 'font-size': 11, fill: '#888' }),
    element('line', {
      x1: x(low),
      x2: x(high),
      y1: y,
      y2: y,
      stroke: colour,
      'stroke-width': 3,
      'stroke-opacity': 0.45,
    }),
    element('circle', { cx: x(b), cy: y, r: 6, fill: colour }),
    text(x(b), y - 13, b.toFixed(2), { 'text-anchor': 'middle', fill: colour, 'font-weight': 600 }),
  ]);
}
