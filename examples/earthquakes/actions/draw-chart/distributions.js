'use strict';

const { element, scale, text, ticks } = require('./svg');

/** How many earthquakes had at least a magnitude, on a logarithmic axis, with the fitted law as a line. */
exports.drawDistributions = function drawDistributions(regions, { left, top, width, height }) {
  const points = regions.flatMap(({ distribution }) => distribution);
  const magnitudes = points.map(([magnitude]) => magnitude);
  const xRange = [Math.floor(Math.min(0, ...magnitudes) * 2) / 2, Math.ceil(Math.max(1, ...magnitudes) * 2) / 2];
  const yRange = [0, Math.ceil(Math.log10(Math.max(10, ...points.map(([, count]) => count))))];
  const x = scale(xRange, [left, left + width]);
  const y = scale(yRange, [top + height, top]);
  return element('g', {}, [
    text(left, top - 14, 'Earthquakes of at least this magnitude', { 'font-weight': 600 }),
    ...ticks(yRange, 1).flatMap((power) => [
      element('line', {
        x1: left,
        x2: left + width,
        y1: y(power),
        y2: y(power),
        stroke: power === 0 ? '#999' : '#e8e8e8',
      }),
      text(left - 10, y(power) + 4, (10 ** power).toLocaleString('en'), { 'text-anchor': 'end', fill: '#666' }),
    ]),
    ...ticks(xRange, 1).flatMap((magnitude) => [
      element('line', { x1: x(magnitude), x2: x(magnitude), y1: top + height, y2: top + height + 5, stroke: '#999' }),
      text(x(magnitude), top + height + 21, String(magnitude), { 'text-anchor': 'middle', fill: '#666' }),
    ]),
    text(left + width / 2, top + height + 42, 'Magnitude', { 'text-anchor': 'middle' }),
    ...regions.map((region) => drawRegion(region, x, y, xRange[1])),
    drawLegend(regions, left + width - 138, top + 20),
  ]);
};

function drawRegion({ distribution, colour, completeness, a_value: a, b_value: b }, x, y, most) {
  // The line ends where the law expects one earthquake, or at the edge.
  const end = Math.min(a / b, most);
  return element('g', { stroke: colour, fill: colour }, [
    ...distribution.map(([magnitude, count]) =>
      element('circle', {
        cx: x(magnitude),
        cy: y(Math.log10(count)),
        r: 2.6,
        stroke: 'none',
        'fill-opacity': magnitude >= completeness ? 0.9 : 0.22,
      }),
    ),
    element('line', {
      x1: x(completeness),
      y1: y(a - b * completeness),
      x2: x(end),
      y2: y(a - b * end),
      'stroke-width': 1.6,
      'stroke-opacity': 0.75,
    }),
  ]);
}

function drawLegend(regions, left, top) {
  return element(
    'g',
    {},
    regions.flatMap(({ region, colour }, index) => [
      element('circle', { cx: left, cy: top + index * 22, r: 5, fill: colour }),
      text(left + 14, top + index * 22 + 4.5, region),
    ]),
  );
}
