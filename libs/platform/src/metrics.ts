import { Injectable } from '@nestjs/common';
import {
  collectDefaultMetrics,
  Counter,
  Gauge,
  Histogram,
  Registry,
  type CounterConfiguration,
  type GaugeConfiguration,
  type HistogramConfiguration,
} from 'prom-client';

/**
 * The figures of one service instance. It owns its registry: several services (standalone, tests) live in one
 * process, and prom-client's global registry would refuse the second metric of a name.
 */
@Injectable()
export class Metrics {
  readonly registry = new Registry();

  counter<Label extends string>(configuration: Unregistered<CounterConfiguration<Label>>): Counter<Label> {
    return new Counter({ ...configuration, registers: [this.registry] });
  }

  gauge<Label extends string>(configuration: Unregistered<GaugeConfiguration<Label>>): Gauge<Label> {
    return new Gauge({ ...configuration, registers: [this.registry] });
  }

  histogram<Label extends string>(configuration: Unregistered<HistogramConfiguration<Label>>): Histogram<Label> {
    return new Histogram({ ...configuration, registers: [this.registry] });
  }

  /** CPU, memory, event loop and garbage collection of the process: once in a process, by its main. */
  collectProcess(): void {
    collectDefaultMetrics({ register: this.registry });
  }
}

type Unregistered<Configuration> = Omit<Configuration, 'registers'>;
