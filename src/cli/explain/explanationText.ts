import type { LunRow, TargetRow } from '../../explain/accessMatrix.ts';
import type { Explanation } from '../../explain/explanation.ts';
import { lunRanges } from '../../explain/lunRanges.ts';
import { REQUEST_CLASSES, type RequestClass } from '../../explain/request.ts';
import type { Verdict } from '../../explain/requestJudge.ts';
import { printable } from '../../telemetry/printable.ts';

const WIDTH = 80;
const LABEL = 15;
const LUN_COLUMN = 16;
const LEGEND_COLUMN = 25;

/** An explanation for a person, in 80 columns where names are not longer. */
export function explanationText(explanation: Explanation): string {
  const { parts, reason, detail, told, unasked, matrix } = explanation;
  const { verdict } = explanation;
  const isEnforced = verdict === 'denied';
  return [
    ...wrap(headline(explanation), 0),
    ...parts.flatMap((part) => labelled(part.part, part.detail)),
    ...(detail === undefined ? [] : labelled(isEnforced ? 'because' : 'would be', `${reason}: ${detail}`)),
    ...(told === undefined ? [] : labelled(isEnforced ? 'told' : 'would hear', told)),
    ...labelled('not asked', unasked.join('; ')),
    ...(matrix === undefined ? [] : ['', ...matrixLines(matrix)]),
  ]
    .map(printable) // what a listener answers is whatever it likes
    .join('\n');
}

function headline({ verdict, initiator, rule, target, lun, request }: Explanation): string {
  const who = rule?.id ?? initiator;
  const what =
    request === undefined
      ? target === undefined
        ? `${who} logs in`
        : `${who} logs in to ${target}`
      : `${who} sends ${request} to LUN ${lun}`;
  const inShadow =
    verdict === 'shadowed'
      ? '; denied as soon as shadow: true is removed'
      : rule?.shadow === true
        ? '; its access is not enforced (shadow: true)'
        : '';
  return `${verdict === 'denied' ? 'denied' : 'allowed'}: ${what}${inShadow}`;
}

const HEADINGS: Readonly<Record<RequestClass, string>> = {
  read: 'rd',
  write: 'wr',
  unmap: 'unm',
  configure: 'cfg',
  format: 'fmt',
  sanitize: 'san',
  reassign: 'rea',
  erase: 'era',
  'extended-copy': 'xcp',
  'write-buffer': 'wbf',
  'security-protocol': 'sec',
  'pass-through': 'pas',
  vendor: 'ven',
  'target-reset': 'rst',
  reservations: 'rsv',
};

const CELLS: Readonly<Record<Verdict, string>> = { allowed: 'yes', denied: '-', shadowed: '(-)' };

function matrixLines(rows: readonly TargetRow[]): string[] {
  const hasRequests = rows.some(({ luns }) => luns.some(({ requests }) => requests !== undefined));
  return [
    ...(hasRequests ? [columns('LUN', (name) => HEADINGS[name])] : []),
    ...rows.flatMap(targetLines),
    ...(hasRequests ? ['', ...legend(rows)] : []),
  ];
}

function targetLines(row: TargetRow): string[] {
  const { target, verdict, location, mode, coveredBy, luns } = row;
  const name = target ?? 'every other target';
  const says =
    coveredBy === undefined
      ? verdict === 'denied'
        ? 'does not exist'
        : verdict === 'shadowed'
          ? 'no entry covers it; let through by shadow: true'
          : mode
      : `never used: ${coveredBy} covers it`;
  const line = `${name}  ${says}  ${location}`;
  return [
    ...(line.length <= WIDTH ? [line] : [name, ...wrap(`${says}  ${location}`, 2)]),
    ...luns.flatMap((row) => lunLines(row, { isOnly: luns.length === 1, isMasked: verdict === 'allowed' })),
  ];
}

function lunLines(
  { luns, visible, requests }: LunRow,
  { isOnly, isMasked }: { readonly isOnly: boolean; readonly isMasked: boolean },
): string[] {
  const named = luns === null ? (isOnly ? 'all' : 'every other') : lunRanges(luns);
  if (requests === undefined) return [`${`  ${named}`.padEnd(LUN_COLUMN - 1)} hidden`];
  const name = isMasked && visible === 'shadowed' ? `${named} (hidden)` : named;
  const [first, ...more] = wrap(name, 2, LUN_COLUMN - 1);
  return [columns(first!, (name) => CELLS[requests[name]]), ...more];
}

function columns(head: string, cell: (name: RequestClass) => string): string {
  return (head.padEnd(LUN_COLUMN) + REQUEST_CLASSES.map((name) => cell(name).padEnd(4)).join('')).trimEnd();
}

function legend(rows: readonly TargetRow[]): string[] {
  const meaning = REQUEST_CLASSES.map((name) => `${HEADINGS[name].padEnd(3)} ${name}`.padEnd(LEGEND_COLUMN));
  const height = Math.ceil(meaning.length / 3);
  const isShadowed = rows.some(({ luns }) => luns.some(({ requests }) => hasShadowed(requests)));
  return [
    ...meaning.slice(0, height).map((_, row) =>
      meaning
        .filter((_, at) => at % height === row)
        .join('')
        .trimEnd(),
    ),
    ...(isShadowed ? ['(-) passes and is logged; refused as soon as shadow: true is removed'] : []),
  ];
}

function hasShadowed(requests: LunRow['requests']): boolean {
  return requests !== undefined && Object.values(requests).includes('shadowed');
}

function labelled(label: string, text: string): string[] {
  const [first, ...more] = wrap(text, LABEL);
  return [`  ${label}`.padEnd(LABEL) + first!.slice(LABEL), ...more];
}

/** Breaks at spaces; a word that is longer than the line stands alone. */
function wrap(text: string, indent: number, width = WIDTH): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && indent + line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line].map((text) => ' '.repeat(indent) + text);
}
