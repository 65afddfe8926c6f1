/** With the default of 24 a machine of two cores reached half to two thirds of the throughput. */
export const partitions = 4;

/**
 * Per partition. A flow that waits for a call keeps its slot: with the default of 1,000 and few partitions the calls starve
 * until the flows are suspended, after a minute.
 */
const invocationsLimit = 20_000;

export const serverSettings = ({ ingressPort, adminPort, nodePort }) => `
disable-telemetry = true
listen-mode = "tcp"
bind-port = ${nodePort}
default-num-partitions = ${partitions}
log-filter = "warn"
[worker.invoker]
concurrent-invocations-limit = ${invocationsLimit}
[admin]
bind-port = ${adminPort}
[ingress]
bind-port = ${ingressPort}
`;
