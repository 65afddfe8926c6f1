'use strict';

const { readFileSync } = require('node:fs');
const { bValue, completenessOf, cumulative, resampledInterval, roundToBin } = require('./law');

/** Fewer say nothing about a slope. */
const leastSample = 15;
const resamples = 10_000;

/** Tells the engine that the action says no: the run is told why, and nothing is retried. */
class RyaxException extends Error {
  constructor(message, code) {
    super(message);
    this.code = code;
  }
}

module.exports = function handle({ region, events }) {
  const magnitudes = readFileSync(events, 'utf8').split('\n').filter(Boolean).map(Number).map(roundToBin);
  const completeness = completenessOf(magnitudes);
  const sample = magnitudes.filter((magnitude) => magnitude >= completeness);
  if (sample.length < leastSample) {
    throw new RyaxException(
      `${region}: a b-value needs ${leastSample} earthquakes of magnitude ${completeness} or more, found ${sample.length}`,
      422,
    );
  }
  const b = bValue(sample, completeness);
  const [low, high] = resampledInterval(sample, completeness, resamples);
  console.log(
    `${region}: b = ${b.toFixed(2)} (${low.toFixed(2)} to ${high.toFixed(2)}), from ${sample.length} earthquakes`,
  );
  return {
    region,
    quakes: magnitudes.length,
    sample: sample.length,
    completeness,
    b_value: b,
    a_value: Math.log10(sample.length) + b * completeness,
    low,
    high,
    distribution: cumulative(magnitudes),
  };
};
