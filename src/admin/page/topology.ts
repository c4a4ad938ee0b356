import { count, throughput } from '../../telemetry/figures.ts';
import { readsAndWrites, type Flow } from '../../status/flow.ts';
import type { Look } from '../../status/history.ts';
import type { FlowRow } from '../../status/rates.ts';
import { html, type Html } from './html.ts';

/** Initiators, the gateway and targets, with what goes between them; once for wide windows and once for phones. */
export function topology({ status, rates }: Look): Html {
  if (rates === undefined || rates.nexuses.length === 0) {
    return html`<p class="none">${rates === undefined ? 'Measuring.' : 'No initiator has come yet.'}</p>`;
  }
  const isUp = new Map(status.backends.map((backend) => [backend.name, backend.isUp]));
  const backendOf = new Map(status.sessions.map(({ target, backend }) => [target, backend]));
  const initiators = nodes(rates.nexuses, ({ initiator }) => initiator);
  const targets = nodes(rates.nexuses, ({ target }) => target).map((node) => {
    const backend = backendOf.get(node.name);
    if (backend === undefined) return node;
    return { ...node, at: isUp.get(backend) === false ? `${backend}, down` : backend };
  });
  const says =
    `${plural(initiators.length, 'initiator')} and ${plural(targets.length, 'target')}: ` +
    `${throughput(rates.total.bytesPerSecond.read)} from targets to initiators, ` +
    `${throughput(rates.total.bytesPerSecond.write)} from initiators to targets`;
  return html`${drawing('wide', initiators, targets, says)} ${drawing('narrow', initiators, targets, says)}`;
}

interface Node {
  readonly name: string;
  readonly iops: number;
  readonly read: number;
  readonly written: number;
  /** Which array. */
  readonly at?: string;
}

/** Of each side; more would be no picture any more. */
const MAX_NODES = 12;

/** The busiest first; the rest is one node. */
function nodes(rows: readonly FlowRow[], nameOf: (row: FlowRow) => string): Node[] {
  const flows = new Map<string, Flow[]>();
  for (const row of rows) flows.set(nameOf(row), [...(flows.get(nameOf(row)) ?? []), row.flow]);
  const all = [...flows]
    .map(([name, flows]) => nodeOf(name, flows))
    .sort((a, b) => b.iops - a.iops || (a.name < b.name ? -1 : 1));
  if (all.length <= MAX_NODES) return all;
  const rest = all.slice(MAX_NODES - 1);
  const total = (of: (node: Node) => number): number => rest.reduce((sum, node) => sum + of(node), 0);
  return [
    ...all.slice(0, MAX_NODES - 1),
    {
      name: `${rest.length} more`,
      iops: total(({ iops }) => iops),
      read: total(({ read }) => read),
      written: total(({ written }) => written),
    },
  ];
}

function nodeOf(name: string, flows: readonly Flow[]): Node {
  const total = (of: (flow: Flow) => number): number => flows.reduce((sum, flow) => sum + of(flow), 0);
  return {
    name,
    iops: total(readsAndWrites),
    read: total(({ bytesPerSecond }) => bytesPerSecond.read),
    written: total(({ bytesPerSecond }) => bytesPerSecond.write),
  };
}

/** In the drawing's own units, which are CSS pixels as long as the window is wide enough. */
const SIZES = {
  wide: { width: 1000, box: 340, gateway: 120, characters: 40 },
  narrow: { width: 340, box: 116, gateway: 62, characters: 14 },
} as const;
const ROW = 58;
const BOX_HEIGHT = 46;

function drawing(
  size: keyof typeof SIZES,
  initiators: readonly Node[],
  targets: readonly Node[],
  says: string,
): Html {
  const { width, box, gateway, characters } = SIZES[size];
  const height = ROW * Math.max(initiators.length, targets.length);
  const middle = { left: (width - gateway) / 2, right: (width + gateway) / 2, y: height / 2 };
  const side = (nodes: readonly Node[], left: number, edges: { from: number; to: number }): Html[] =>
    nodes.map((node, i) => {
      const y = (height * (i + 0.5)) / nodes.length;
      return html`${edge(edges.from, y, edges.to, middle.y, node)}${nodeBox(node, left, y, box, characters)}`;
    });
  return html`<svg class="topology ${size}" viewBox="0 0 ${width} ${height}" role="img" aria-label="${says}">
    ${side(initiators, 0, { from: box, to: middle.left })}
    ${side(targets, width - box, { from: width - box, to: middle.right })}
    <rect class="gateway" x="${middle.left}" y="${middle.y - 23}" width="${gateway}" height="46" rx="8" />
    <text class="gateway" x="${width / 2}" y="${middle.y + 4}" text-anchor="middle">gateway</text>
  </svg>`;
}

function edge(fromX: number, fromY: number, toX: number, toY: number, { read, written }: Node): Html {
  const bend = (fromX + toX) / 2;
  const line = (kind: string, bytesPerSecond: number, offset: number): Html => {
    const width = bytesPerSecond > 0 ? Math.min(9, 1 + Math.log10(1 + bytesPerSecond / 10_000) * 1.8) : 1;
    const path = `M${fromX} ${fromY + offset}C${bend} ${fromY + offset} ${bend} ${toY + offset} ${toX} ${toY + offset}`;
    return html`<path
      class="${bytesPerSecond > 0 ? kind : 'idle'}"
      d="${path}"
      stroke-width="${width.toFixed(1)}"
    />`;
  };
  return html`${line('read', read, -6)}${line('write', written, 6)}`;
}

function nodeBox(node: Node, left: number, y: number, width: number, characters: number): Html {
  const { name, iops, read, written, at } = node;
  const isWide = characters > 20;
  const figures = isWide
    ? `${count(iops)}/s, ${throughput(read)} read, ${throughput(written)} written`
    : throughput(read + written);
  const line = isWide && at !== undefined ? `${at}: ${figures}` : figures;
  return html`<g>
    <title>${name}${at === undefined ? '' : ` at ${at}`}: ${figures}</title>
    <rect class="node" x="${left}" y="${y - BOX_HEIGHT / 2}" width="${width}" height="${BOX_HEIGHT}" rx="6" />
    <text x="${left + 10}" y="${y - 3}">${ending(name, characters)}</text>
    <text class="figures" x="${left + 10}" y="${y + 14}">${line}</text>
  </g>`;
}

/** Of names that share their beginning, the end tells which one. */
function ending(text: string, characters: number): string {
  const all = Array.from(text);
  return all.length <= characters ? text : `…${all.slice(1 - characters).join('')}`;
}

const plural = (number: number, what: string): string => `${number} ${what}${number === 1 ? '' : 's'}`;
