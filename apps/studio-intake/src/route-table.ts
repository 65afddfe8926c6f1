interface Route {
  readonly pattern: RegExp;
  readonly methods: Set<string>;
}

/** Which methods each path takes, so that a wrong one is answered with 405 and not as if the path were unknown. */
export class RouteTable {
  private readonly routes = new Map<string, Route>();

  add(method: string | readonly string[], url: string): void {
    const route = this.routes.get(url) ?? { pattern: patternOf(url), methods: new Set<string>() };
    for (const each of typeof method === 'string' ? [method] : method) route.methods.add(each);
    this.routes.set(url, route);
  }

  /** What may be used instead; empty when the method is right, or the path is nobody's. */
  allowedInstead(method: string, url: string): readonly string[] {
    const path = url.split('?')[0] ?? url;
    const allowed = new Set<string>();
    for (const { pattern, methods } of this.routes.values()) {
      if (!pattern.test(path)) continue;
      if (methods.has(method)) return [];
      for (const each of methods) allowed.add(each);
    }
    return [...allowed].sort();
  }
}

function patternOf(url: string): RegExp {
  const source = url
    .split('/')
    .map((part) => (part.startsWith(':') ? '[^/]+' : part === '*' ? '.*' : part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')))
    .join('/');
  return new RegExp(`^${source}/?$`);
}
