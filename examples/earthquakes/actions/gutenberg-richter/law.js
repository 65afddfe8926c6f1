'use strict';

/*
 * The Gutenberg-Richter law: log10 N(>=M) = a - b M.
 *
 *   Aki, K. (1965): Maximum likelihood estimate of b in the formula log N = a - bM and its confidence limits.
 *     Bull. Earthq. Res. Inst. 43, 237-239.
 *   Utsu, T. (1966): A statistical significance test of the difference in b-value between two earthquake groups.
 *     J. Phys. Earth 14, 37-40.                                        (the correction for binned magnitudes)
 *   Wiemer, S., Wyss, M. (2000): Minimum magnitude of completeness in earthquake catalogs.
 *     Bull. Seismol. Soc. Am. 90, 859-869.                             (the magnitude of maximum curvature)
 *   Woessner, J., Wiemer, S. (2005): Assessing the quality of earthquake catalogues.
 *     Bull. Seismol. Soc. Am. 95, 684-698.                             (its correction by 0.2)
 */

const bin = 0.1;
const completenessCorrection = 0.2;

exports.roundToBin = roundToBin;
function roundToBin(magnitude) {
  return Math.round(magnitude / bin) / Math.round(1 / bin);
}

/** The most frequent magnitude, and a correction. */
exports.completenessOf = function completenessOf(magnitudes) {
  const counts = new Map();
  for (const magnitude of magnitudes) counts.set(magnitude, (counts.get(magnitude) ?? 0) + 1);
  const [[mode]] = [...counts].sort(([m, a], [n, b]) => b - a || m - n);
  return roundToBin(mode + completenessCorrection);
};

/** @param sample magnitudes from the completeness magnitude on */
exports.bValue = bValue;
function bValue(sample, completeness) {
  const mean = sample.reduce((sum, magnitude) => sum + magnitude, 0) / sample.length;
  return Math.LOG10E / (mean - (completeness - bin / 2));
}

/** The 95 % interval of the b-value, by the bootstrap. */
exports.resampledInterval = function resampledInterval(sample, completeness, times) {
  const random = seeded(sample.length);
  const values = Float64Array.from({ length: times }, () =>
    bValue(
      sample.map(() => sample[Math.floor(random() * sample.length)]),
      completeness,
    ),
  ).sort();
  return [values[Math.floor(0.025 * times)], values[Math.floor(0.975 * times)]];
};

/** Pairs of a magnitude and the number of earthquakes at or above it, from the smallest on. */
exports.cumulative = function cumulative(magnitudes) {
  const sorted = [...magnitudes].sort((a, b) => a - b);
  return sorted.flatMap((magnitude, index) =>
    magnitude === sorted[index - 1] ? [] : [[magnitude, sorted.length - index]],
  );
};

/** Mulberry32: the same chance every time, so that a repeated run gives the same figures. */
function seeded(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
