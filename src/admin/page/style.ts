/** Colours by role, light and dark; each text has a contrast of 4.5 at least to what is behind it. */
export const STYLE = `
:root {
  --page: #f3f5f8; --card: #fff; --line: #d8dee6; --text: #17202b; --soft: #526070;
  --read: #1d5fc4; --write: #b0500a; --good: #1b7440; --good-back: #dff3e6; --warning: #7a5200; --warning-back: #fdf0cf;
  --bad: #a91e1e; --bad-back: #fde3e3; --heat: #1d5fc4;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #0d1218; --card: #161d26; --line: #2b3644; --text: #e4eaf1; --soft: #9dabbb;
    --read: #6ea8ff; --write: #f4a15d; --good: #7fdca4; --good-back: #123322; --warning: #f2c96b; --warning-back: #3a2d0b;
    --bad: #ff9d9d; --bad-back: #431a1a; --heat: #8fbcff;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text); font: 15px/1.45 system-ui, sans-serif; }
header, main { max-width: 1240px; margin: 0 auto; padding: 0 20px; }
header { display: flex; flex-wrap: wrap; align-items: baseline; gap: 4px 16px; padding-top: 16px; }
header p { margin: 0; color: var(--soft); }
header .live { margin-left: auto; }
h1 { font-size: 22px; margin: 0; }
h2 { font-size: 15px; margin: 0 0 12px; }
section { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 16px 18px; margin: 14px 0; min-width: 0; }
.content { overflow-x: auto; }
.row { display: grid; grid-template-columns: repeat(auto-fit, minmax(300px, 1fr)); gap: 0 14px; }
.row section { margin-top: 0; }
small { display: block; font-size: 13px; color: var(--soft); }
dd small, strong small { display: inline; }
.none { color: var(--soft); margin: 0; }
.name { overflow-wrap: anywhere; unicode-bidi: isolate; }
code { font: 13px ui-monospace, monospace; }
button { font: inherit; color: inherit; background: var(--card); border: 1px solid var(--line); border-radius: 6px; padding: 2px 12px; }
button:focus-visible { outline: 2px solid var(--read); outline-offset: 2px; }
#live.bad { color: var(--bad); }
b.read, span.read { color: var(--read); }
b.write, span.write { color: var(--write); }
.pill { display: inline-block; border-radius: 99px; padding: 0 10px; font-size: 13px; font-weight: 600; white-space: nowrap; }
.good { color: var(--good); background: var(--good-back); }
.warning { color: var(--warning); background: var(--warning-back); }
.pill.bad { color: var(--bad); background: var(--bad-back); }

.shares { display: grid; grid-template-columns: repeat(auto-fit, minmax(260px, 1fr)); gap: 14px 28px; }
.share p { display: flex; flex-wrap: wrap; justify-content: space-between; align-items: baseline; gap: 0 12px; margin: 0 0 4px; }
.share b { font-size: 24px; }
.share span { color: var(--soft); }
.share.idle { margin: 0; color: var(--soft); }
.share svg { display: block; width: 100%; height: 12px; border-radius: 6px; }
rect.read { fill: var(--read); }
rect.write { fill: var(--write); }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(126px, 1fr)); gap: 14px 22px; margin: 18px 0 0; }
dt { color: var(--soft); font-size: 13px; }
dd { margin: 0; }
.tiles strong { display: block; font-size: 22px; line-height: 1.25; font-variant-numeric: tabular-nums; }
.tiles dd > span { font-size: 13px; color: var(--soft); }
.facts { display: grid; gap: 8px; margin: 0; }

.topology { display: block; width: 100%; height: auto; }
.topology text { font: 13px system-ui, sans-serif; fill: var(--text); unicode-bidi: isolate; }
.topology.narrow text { font-size: 11.5px; }
.topology text.figures { fill: var(--soft); }
.topology text.gateway { font-weight: 600; }
rect.node, rect.gateway { fill: var(--page); stroke: var(--line); }
rect.gateway { stroke: var(--soft); stroke-width: 1.5; }
.topology path { fill: none; stroke-linecap: round; }
path.read { stroke: var(--read); }
path.write { stroke: var(--write); }
path.idle { stroke: var(--line); }
.topology.narrow { display: none; }

.charts { display: grid; grid-template-columns: 1fr 1fr; gap: 18px 28px; }
.chart { margin: 0; min-width: 0; }
.chart.heat { grid-column: 1 / -1; }
figcaption { font-weight: 600; margin-bottom: 6px; }
figcaption span, figcaption b { font-weight: 400; font-size: 13px; }
figcaption span { color: var(--soft); }
.chart svg { display: block; width: 100%; height: 110px; background: var(--page); border-radius: 4px; }
.chart path { fill: none; stroke-width: 2px; vector-effect: non-scaling-stroke; }
.chart.heat svg { height: 272px; shape-rendering: crispEdges; }
.heat-frame { display: grid; grid-template-columns: 58px 1fr; }
.rows { display: grid; grid-auto-rows: 16px; font-size: 12px; line-height: 16px; color: var(--soft); text-align: right; padding-right: 8px; }
.time { display: flex; justify-content: space-between; margin: 3px 0 0; font-size: 12px; color: var(--soft); }
.heat .time { padding-left: 58px; }
.heat rect { fill: var(--heat); }
.h1 { opacity: 0.16; } .h2 { opacity: 0.28; } .h3 { opacity: 0.4; } .h4 { opacity: 0.52; }
.h5 { opacity: 0.64; } .h6 { opacity: 0.76; } .h7 { opacity: 0.88; } .h8 { opacity: 1; }

table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th { font-size: 13px; font-weight: 500; color: var(--soft); border-bottom: 1px solid var(--line); }
th, td { text-align: left; vertical-align: top; padding: 5px 14px 5px 0; }
th:last-child, td:last-child { padding-right: 0; }
tbody tr + tr td { border-top: 1px solid var(--line); }
.figure { text-align: right; white-space: nowrap; }
td.text { min-width: 11em; }
time { white-space: nowrap; }

@media (max-width: 720px) {
  header, main { padding-left: 12px; padding-right: 12px; }
  header .live { margin-left: 0; }
  section { padding: 14px 12px; }
  .topology.wide { display: none; }
  .topology.narrow { display: block; }
  .charts { grid-template-columns: 1fr; }
  .tiles { grid-template-columns: 1fr 1fr; gap: 14px; }
  .share b { font-size: 20px; }
  thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  table, tbody { display: block; }
  tr { display: grid; grid-template-columns: repeat(3, minmax(0, 1fr)); gap: 2px 12px; padding: 8px 0; }
  tbody tr + tr { border-top: 1px solid var(--line); }
  tbody tr + tr td { border-top: 0; }
  td, td:last-child { padding: 2px 0; }
  td::before { content: attr(data-label); display: block; color: var(--soft); font-size: 13px; }
  td.figure { text-align: left; white-space: normal; }
  td.text { grid-column: 1 / -1; display: grid; grid-template-columns: 84px minmax(0, 1fr); gap: 0 10px; }
  td.text > * { grid-column: 2; justify-self: start; }
  .share span { order: -1; width: 100%; }
}
`;
