import { Injectable } from '@nestjs/common';
import {
  AggregatorRegistry,
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
  private readonly parts: Metrics[] = [];

  counter<Label extends string>(configuration: Unregistered<CounterConfiguration<Label>>): Counter<Label> {
    return new Counter({ ...configuration, registers: [this.registry] });
  }

  gauge<Label extends string>(configuration: Unregistered<GaugeConfiguration<Label>>): Gauge<Label> {
    return new Gauge({ ...configuration, registers: [this.registry] });
  }

  histogram<Label extends string>(configuration: Unregistered<HistogramConfiguration<Label>>): Histogram<Label> {
    return new Histogram({ ...configuration, registers: [this.registry] });
  }

  /** The figures of one of several alike parts of the service: the same names, told apart by these labels. */
  part(labels: Readonly<Record<string, string>>): Metrics {
    const part = new Metrics();
    part.registry.setDefaultLabels(labels);
    this.parts.push(part);
    return part;
  }

  /** All of it, as Prometheus reads it. */
  async text(): Promise<string> {
    const own = await this.registry.metrics();
    if (this.parts.length === 0) return own;
    const ofParts = await Promise.all(this.parts.map(({ registry }) => registry.getMetricsAsJSON()));
    return `${own}\n${await AggregatorRegistry.aggregate(ofParts).metrics()}`;
  }

  /** CPU, memory, event loop and garbage collection of the process: once in a process, by its main. */
  collectProcess(): void {
    collectDefaultMetrics({ register: this.registry });
  }
}

type Unregistered<Configuration> = Omit<Configuration, 'registers'>;
