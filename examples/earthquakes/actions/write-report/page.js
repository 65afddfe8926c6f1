'use strict';

/** The whole report in one file: it can be opened, mailed and kept. */
exports.page = function page({ rows, summary, chart, alarmed }) {
  const { quakes, used, regions, from, to, min_events: minEvents } = summary;
  const fitted = rows.filter(({ fit }) => fit !== null);
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Where the ground shook</title>
<style>
  body { max-width: 70rem; margin: 3rem auto; padding: 0 1.5rem; font: 16px/1.55 Helvetica, Arial, sans-serif; color: #333 }
  h1 { color: #111; line-height: 1.2 }
  svg { width: 100%; height: auto }
  table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums }
  th, td { padding: .45rem .8rem; text-align: right; border-bottom: 1px solid #e8e8e8 }
  th:first-child, td:first-child { text-align: left }
  th { font-weight: 600; color: #666 }
  .none { color: #999 }
  .alarm { border-left: 4px solid #d55e00; padding: .4rem 1rem; background: #fdf3ec }
  footer { margin-top: 2.5rem; color: #888; font-size: .85rem }
</style>
<h1>Where the ground shook</h1>
<p>From ${day(from)} to ${day(to)} seismic networks recorded <strong>${number(quakes)} earthquakes</strong> in ${number(regions)} regions.
The ${rows.length} regions with ${number(minEvents)} or more hold ${number(used)} of them; ${fitted.length} have enough for a b-value.</p>
${alarmed ? alarm(fitted) : ''}
${chart}
<table>
  <tr><th>Region</th><th>Earthquakes</th><th>Complete from</th><th>Sample</th><th>b-value</th><th>95 % interval</th></tr>
${rows.map(row).join('\n')}
</table>
<p>The Gutenberg-Richter law says that log<sub>10</sub> <i>N</i>(≥<i>M</i>) = <i>a</i> − <i>bM</i>. In most of the world <i>b</i> is
near 1: ten times fewer earthquakes for each step in magnitude. A low <i>b</i> means relatively many large ones. One week of
mostly automatic locations, in several magnitude scales, shows how this is computed; it is no hazard assessment.</p>
<footer>Data: U.S. Geological Survey, Earthquake Hazards Program, public domain. Method: maximum likelihood (Aki 1965) with
Utsu's correction for binned magnitudes; completeness by maximum curvature + 0.2 (Wiemer &amp; Wyss 2000, Woessner &amp; Wiemer
2005); intervals by 10,000 bootstrap samples.</footer>
</html>
`;
};

function alarm(fitted) {
  const low = fitted
    .filter(({ fit }) => fit.b_value < 0.7)
    .map(({ name, fit }) => `${escape(name)} (${fit.b_value.toFixed(2)})`);
  return `<p class="alarm">A b-value below 0.7: ${low.join(', ')}.</p>`;
}

function row({ name, quakes, fit }) {
  const head = `<td>${escape(name)}</td><td>${number(quakes)}</td>`;
  if (fit === null) return `  <tr class="none">${head}<td colspan="4">too few earthquakes above completeness</td></tr>`;
  const { completeness, sample, b_value: b, low, high } = fit;
  const cells = [completeness.toFixed(1), number(sample), b.toFixed(2), `${low.toFixed(2)} – ${high.toFixed(2)}`];
  return `  <tr>${head}${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`;
}

const number = (value) => value.toLocaleString('en');
const day = (time) => escape(time.slice(0, 10));

function escape(text) {
  return String(text).replace(/[&<>"]/g, (sign) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[sign]);
}
