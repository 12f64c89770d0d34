/** The style sheet of a page: of one column on a phone, light or dark as its reader has it, and printable. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --text: #1b1f24; --quiet: #57606a; --page: #f6f8fa; --card: #ffffff; --line: #d0d7de; --grid: #e4e8ec;
  --good: #1a7f37; --bad: #b42318; --warn: #8a5300;
  --good-card: #e6f4ea; --bad-card: #fdecea; --warn-card: #fff4e0;
  --series-0: #0969b3; --series-1: #b4560e; --series-2: #1a7f5a; --series-3: #8a3fa0; --series-4: #7a6a00; --series-5: #c2306c;
  --low: #2f7ec2; --middle: #9b7fb8; --high: #d1495b;
}
@media (prefers-color-scheme: dark) {
  :root {
    --text: #e6edf3; --quiet: #9aa5b1; --page: #0d1117; --card: #161b22; --line: #343c46; --grid: #262d36;
    --good: #4ac26b; --bad: #ff7b72; --warn: #e3b341;
    --good-card: #12261a; --bad-card: #2d1517; --warn-card: #2a210f;
    --series-0: #58a6ff; --series-1: #f0883e; --series-2: #3fcf9a; --series-3: #d2a8ff; --series-4: #e3c341; --series-5: #ff80b0;
    --low: #58a6ff; --middle: #a58fd0; --high: #ff7b86;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; overflow-wrap: anywhere; }
main, header.page, footer { max-width: 1240px; margin: 0 auto; padding: 0 16px; }
header.page { padding-top: 20px; }
h1 { font-size: 1.55rem; line-height: 1.25; margin: 0 0 4px; }
h2 { font-size: 1.15rem; margin: 28px 0 4px; }
h3 { font-size: 1rem; margin: 0 0 2px; }
p { margin: 4px 0 10px; max-width: 80ch; }
.quiet { color: var(--quiet); }
nav { margin: 12px 0 0; font-size: .93rem; display: flex; flex-wrap: wrap; gap: 4px 14px; }
a { color: var(--series-0); }
.verdict { border: 1px solid var(--line); border-left: 6px solid var(--line); border-radius: 6px; padding: 10px 14px; margin: 14px 0 0; background: var(--card); }
.verdict p { margin: 2px 0; max-width: none; }
.verdict.good { border-left-color: var(--good); background: var(--good-card); }
.verdict.bad { border-left-color: var(--bad); background: var(--bad-card); }
.verdict.warn { border-left-color: var(--warn); background: var(--warn-card); }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(130px, 1fr)); gap: 10px; margin: 14px 0 0; }
.tile { background: var(--card); border: 1px solid var(--line); border-radius: 6px; padding: 8px 12px; }
.tile b { display: block; font-size: 1.35rem; font-variant-numeric: tabular-nums; line-height: 1.3; }
.tile span { color: var(--quiet); font-size: .87rem; }
.grid { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 340px), 1fr)); gap: 14px; align-items: start; margin-top: 10px; }
figure, .card { margin: 0; background: var(--card); border: 1px solid var(--line); border-radius: 6px; padding: 12px 14px; min-width: 0; }
figcaption { color: var(--quiet); font-size: .9rem; margin: 4px 0 6px; }
.plot { display: block; width: 100%; height: auto; max-width: 520px; margin: 0 auto; overflow: visible; }
.plot text { white-space: pre; }
.legend { display: flex; flex-wrap: wrap; gap: 2px 14px; list-style: none; padding: 0; margin: 4px 0; font-size: .9rem; }
.legend i { display: inline-block; width: 12px; height: 12px; border-radius: 2px; margin-right: 6px; vertical-align: -1px; }
.scroll { overflow-x: auto; max-width: 100%; }
table { border-collapse: collapse; width: 100%; font-size: .92rem; font-variant-numeric: tabular-nums; }
th, td { text-align: left; vertical-align: top; padding: 4px 10px 4px 0; border-bottom: 1px solid var(--grid); }
th { font-weight: 600; }
thead th { color: var(--quiet); font-weight: 500; }
td.number, th.number { text-align: right; overflow-wrap: normal; white-space: nowrap; }
table { overflow-wrap: break-word; }
td small { display: block; font-size: .8em; line-height: 1.2; }
td code { overflow-wrap: anywhere; }
td .good, td .bad, td .warn { white-space: nowrap; }
tr:last-child > * { border-bottom: 0; }
.good { color: var(--good); } .bad { color: var(--bad); } .warn { color: var(--warn); }
.verdict { color: var(--text); }
details { margin-top: 6px; font-size: .92rem; }
summary { cursor: pointer; color: var(--quiet); }
details .scroll { max-height: 320px; overflow-y: auto; }
code { font: .87em ui-monospace, "DejaVu Sans Mono", monospace; }
ul.plain { padding-left: 1.1em; margin: 4px 0; }
footer { padding-top: 20px; padding-bottom: 28px; color: var(--quiet); font-size: .87rem; }
@media (max-width: 560px) { table { font-size: .82rem; } th, td { padding-right: 7px; } main, header.page, footer { padding-left: 12px; padding-right: 12px; } figure, .card { padding: 10px; } }
@media print { body { background: none; } figure, .card { break-inside: avoid; } nav { display: none; } }
`;
