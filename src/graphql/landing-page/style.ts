/** The page's style: system fonts, light and dark, one column on a narrow screen. */
export const STYLE = `
:root {
  --back: #f4f6f8; --card: #fff; --line: #d5dbe1; --text: #17212b; --soft: #566370;
  --bar: #14202c; --bar-line: #33475a; --accent: #0b6bcb; --accent-text: #fff; --bad: #b3261e; --good: #1b7a3d;
}
@media (prefers-color-scheme: dark) {
  :root {
    --back: #0f161d; --card: #17212b; --line: #2c3a47; --text: #e6ebf0; --soft: #9fb0c0;
    --bar: #0a1016; --bar-line: #2c3a47; --accent: #4aa3ff; --accent-text: #08121c; --bad: #ff8a80; --good: #6fd394;
  }
}
* { box-sizing: border-box; }
[hidden] { display: none !important; }
html, body { height: 100%; margin: 0; }
body { display: flex; flex-direction: column; background: var(--back); color: var(--text); font: 15px/1.45 system-ui, sans-serif; }
h1, h2, p { margin: 0; }
button, select, textarea { font: inherit; color: inherit; border: 1px solid var(--line); border-radius: 6px; background: var(--card); }
button { padding: .4rem .8rem; cursor: pointer; white-space: nowrap; }
select { padding: .4rem .5rem; max-width: 100%; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 1px; }
small { color: var(--soft); font-size: .85em; font-weight: 400; }
kbd { font: inherit; border: 1px solid var(--line); border-radius: 4px; padding: 0 .3em; }

.bar { display: flex; flex-wrap: wrap; align-items: center; gap: .6rem 1rem; padding: .6rem 1rem; background: var(--bar); color: #e9eff5; }
.bar h1 { font-size: 1.05rem; font-weight: 650; }
.bar h1 span { color: #9fb6cb; font-weight: 400; }
.bar label { display: flex; align-items: center; gap: .5rem; color: #b9c8d6; min-width: 0; }
.bar button, .bar select { background: #22313f; border-color: var(--bar-line); color: #f2f6fa; }
.bar button:hover { background: #2d4052; }
.grow { flex: 1 1 16rem; }
.grow select { flex: 1; min-width: 0; max-width: 26rem; }
.group { display: flex; flex-wrap: wrap; align-items: center; gap: .5rem; }
.notice { flex-basis: 100%; color: #b9c8d6; font-size: .9rem; }
.notice:empty { display: none; }
.note { padding: 1rem; }

.sandbox { flex: 1; min-height: 0; display: flex; background: #fff; }
.sandbox iframe { flex: 1; width: 100%; height: 100%; border: 0; }

.console { flex: 1; min-height: 0; display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); gap: 1rem; padding: 1rem; }
.request { display: flex; flex-direction: column; gap: .8rem; min-height: 0; }
.field { display: flex; flex-direction: column; gap: .3rem; min-width: 0; }
.field label, .answer h2 { font-size: .9rem; font-weight: 600; }
.tall { flex: 1; min-height: 12rem; }
textarea, pre { font: 13px/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; padding: .7rem; tab-size: 2; }
textarea { width: 100%; min-height: 7.5rem; resize: vertical; }
.tall textarea { flex: 1; resize: none; }
.pair { display: grid; grid-template-columns: 1fr 1fr; gap: .8rem; }
.actions { display: flex; flex-wrap: wrap; align-items: center; gap: .5rem .8rem; }
.primary { background: var(--accent); border-color: var(--accent); color: var(--accent-text); font-weight: 600; padding: .5rem 1.6rem; }
.primary:hover { filter: brightness(1.08); }
.primary:disabled { opacity: .6; cursor: progress; }
.problem { color: var(--bad); }
.answer { display: flex; flex-direction: column; gap: .3rem; min-height: 0; min-width: 0; }
.answer-head { display: flex; justify-content: space-between; gap: 1rem; }
#outcome { color: var(--soft); font-size: .9rem; }
#outcome.good { color: var(--good); }
#outcome.bad { color: var(--bad); }
pre { flex: 1; margin: 0; overflow: auto; background: var(--card); border: 1px solid var(--line); border-radius: 6px; min-height: 12rem; }

@media (max-width: 800px) {
  html, body { height: auto; min-height: 100%; }
  .console { grid-template-columns: minmax(0, 1fr); }
  .tall textarea { min-height: 16rem; }
  .sandbox { min-height: 80vh; }
}
@media (max-width: 480px) {
  .pair { grid-template-columns: 1fr; }
}
`;
