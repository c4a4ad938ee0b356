import { parser } from '@prometheus-io/lezer-promql';

type Node = ReturnType<typeof parser.parse>['topNode'];

const COMPARISONS = new Set(['Eql', 'Neq', 'Gtr', 'Gte', 'Lss', 'Lte']);

/**
 * An alert's expression without what keeps it silent: comparisons with numbers are left out, and of `absent(x)` stays `x`.
 * What is left must give data, or the alert could never come.
 */
export function withoutThresholds(expr: string): string {
  return plain(parser.parse(expr).topNode, expr);
}

function plain(node: Node, expr: string): string {
  const [left, right] = node.getChildren('Expr');
  if (node.name === 'BinaryExpr' && COMPARISONS.has(left!.nextSibling!.name) && isNumber(right!)) {
    return plain(left!, expr);
  }
  if (node.name === 'FunctionCall' && node.firstChild!.firstChild!.name === 'Absent') {
    return plain(node.getChild('FunctionCallBody')!, expr);
  }
  let text = '';
  let end = node.from;
  for (let child = node.firstChild; child !== null; child = child.nextSibling) {
    text += expr.slice(end, child.from) + plain(child, expr);
    end = child.to;
  }
  return text + expr.slice(end, node.to);
}

function isNumber(node: Node): boolean {
  let isNumber = true;
  node.cursor().iterate(({ name }) => void (isNumber &&= name !== 'VectorSelector'));
  return isNumber;
}
