import { parser } from '@prometheus-io/lezer-promql';

export interface Selector {
  readonly name: string;
  readonly matchers: readonly string[];
  /** `5m` in `x[5m]`. */
  readonly range?: string;
  /** Functions and aggregations around it, innermost first. */
  readonly inside: readonly string[];
}

export interface Parsed {
  readonly selectors: readonly Selector[];
  /** Labels of `by`, `without`, `on` and `group_left`. */
  readonly groupings: readonly string[];
}

/** @throws where the text is no PromQL */
export function parsePromql(expr: string): Parsed {
  const selectors: Selector[] = [];
  const groupings: string[] = [];
  parser.parse(expr).iterate({
    enter(node) {
      const text = expr.slice(node.from, node.to);
      if (node.type.isError) {
        throw new Error(`not PromQL at character ${node.from}, before "${expr.slice(node.from)}": ${expr}`);
      }
      if (node.name === 'GroupingLabels') {
        groupings.push(...node.node.getChildren('LabelName').map(({ from, to }) => expr.slice(from, to)));
      }
      if (node.name !== 'VectorSelector') return;
      const around: string[] = [];
      let range: string | undefined;
      for (let at = node.node.parent; at !== null; at = at.parent) {
        const words = expr.slice(at.from, at.to);
        if (at.name === 'MatrixSelector') range = words.slice(words.lastIndexOf('[') + 1, -1);
        if (at.name === 'FunctionCall' || at.name === 'AggregateExpr') around.push(/^\w+/.exec(words)![0]);
      }
      selectors.push({
        name: /^[\w:]+/.exec(text)?.[0] ?? '',
        matchers: [...text.matchAll(/(\w+)\s*(?:=~|!=|!~|=)\s*"[^"]*"/g)].map(([matcher]) => matcher),
        ...(range !== undefined && { range }),
        inside: around,
      });
    },
  });
  return { selectors, groupings };
}
