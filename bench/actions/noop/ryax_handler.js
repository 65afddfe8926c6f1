// CLOCK_MONOTONIC: the same clock in every process of a machine.
module.exports = () => ({ called_at: Number(process.hrtime.bigint()) / 1e6 });
