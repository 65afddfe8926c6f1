'use strict';

/** An SVG element; its content is SVG already, see `text` for what people wrote. */
exports.element = element;
function element(name, attributes, content = []) {
  const written = Object.entries(attributes).map(([key, value]) => ` ${key}="${escape(rounded(value))}"`);
  return content.length === 0
    ? `<${name}${written.join('')}/>`
    : `<${name}${written.join('')}>\n${content.join('\n')}\n</${name}>`;
}

exports.text = function text(x, y, words, attributes = {}) {
  const written = Object.entries({ x, y, ...attributes }).map(([key, value]) => ` ${key}="${escape(rounded(value))}"`);
  return `<text${written.join('')}>${escape(words)}</text>`;
};

/** From values to places along an axis. */
exports.scale = function scale([from, to], [start, end]) {
  return (value) => start + ((value - from) / (to - from)) * (end - start);
};

/** Whole numbers and halves within a range, for marks on an axis. */
exports.ticks = function ticks([from, to], step) {
  const first = Math.ceil(from / step - 1e-9);
  const count = Math.floor(to / step + 1e-9) - first + 1;
  return Array.from({ length: Math.max(0, count) }, (_, index) => (first + index) * step);
};

function rounded(value) {
  return typeof value === 'number' ? Math.round(value * 100) / 100 : value;
}

function escape(value) {
  return String(value).replace(/[&<>"]/g, (sign) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[sign]);
}
