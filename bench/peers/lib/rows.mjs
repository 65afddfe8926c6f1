const units = {
  ms_per_step: 'ms',
  steps_per_s: 'steps/s',
  runs_per_s: 'runs/s',
  cpu_us_per_step: 'µs/step',
  total_ms: 'ms',
  start_p50_ms: 'ms',
  start_p99_ms: 'ms',
};

/**
 * @typedef {object} Row one figure
 * @property {string} workload `W1`, `W2 1000`, `W2 5000`, `W3` or `W4`
 * @property {'distributed'} mode server, worker and submitter are processes of their own
 * @property {string} system for instance `restate (run)`
 * @property {string} metric for instance `steps_per_s`, or `peak_rss_mib.server`
 * @property {string} unit
 * @property {number} value
 * @property {number} runs over how many repeats the value is the median: here 1, whoever repeats counts
 */

/** @returns {Row[]} */
export function rowsOf(system, measured) {
  return measured.flatMap(({ workload, figures, cpuUsPerStep, peakRssMib }) => {
    const row = (metric, unit, value) => ({
      workload,
      mode: 'distributed',
      system,
      metric,
      unit,
      value: Number(value.toPrecision(5)),
      runs: 1,
    });
    // A short chain is mostly waiting: what it costs is seen under load.
    const all = workload.startsWith('W2') ? { ...figures, cpu_us_per_step: cpuUsPerStep } : figures;
    return [
      ...Object.entries(all).map(([metric, value]) => row(metric, units[metric], value)),
      ...Object.entries(peakRssMib).map(([group, value]) => row(`peak_rss_mib.${group}`, 'MiB', value)),
    ];
  });
}
