"""The look of report.html: its style sheet and the few lines of script that sort a table and enlarge a picture."""

POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
"""Content security policy: the browser itself makes sure that the page asks for nothing from outside."""

STYLE = """
:root { color-scheme: light dark; --ink: #1c2024; --soft: #667079; --line: #dde1e5; --card: #f5f6f8; --page: #fff;
  --mark: #2f6fde; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ec; --soft: #98a2ab; --line: #343a41; --card: #1d2126;
  --page: #14171a; --mark: #74a7ff; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 24px; max-width: 1680px; background: var(--page); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
h1 { font-size: 26px; margin: 0 0 2px; overflow-wrap: anywhere; } h2 { font-size: 18px; margin: 36px 0 10px; }
.where { color: var(--soft); margin: 0 0 18px; overflow-wrap: anywhere; }
.tiles { display: flex; flex-wrap: wrap; gap: 10px; }
.tile { background: var(--card); border-radius: 8px; padding: 10px 16px; min-width: 116px; }
.tile b { display: block; font-size: 22px; font-variant-numeric: tabular-nums; white-space: nowrap; }
.tile span { color: var(--soft); font-size: 13px; }
.view { display: grid; grid-template-columns: repeat(5, minmax(0, 1fr)); gap: 8px; margin: 0 0 18px; }
.view h3 { grid-column: 1 / -1; font-size: 14px; font-weight: 600; margin: 6px 0 0; overflow-wrap: anywhere; }
.view figure { margin: 0; } .view img { width: 100%; display: block; border-radius: 4px; cursor: zoom-in; }
figcaption { color: var(--soft); font-size: 13px; }
.none { display: grid; place-items: center; background: var(--card); border-radius: 4px; color: var(--soft); }
@media (max-width: 900px) { .view { grid-template-columns: repeat(2, minmax(0, 1fr)); } }
dialog { border: 0; padding: 0; background: none; max-width: none; max-height: none; }
dialog::backdrop { background: rgb(0 0 0 / 80%); }
dialog img { width: min(96vw, calc(94vh * var(--shape, 1.5))); display: block; cursor: zoom-out; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; } td, th { padding: 4px 14px 4px 0; }
th { text-align: left; color: var(--soft); font-weight: 600; }
th { border-bottom: 1px solid var(--line); white-space: nowrap; }
td { border-bottom: 1px solid var(--line); } td.n, th.n { text-align: right; }
th button { all: unset; cursor: pointer; } th button:focus-visible { outline: 2px solid var(--mark); }
th[aria-sort="ascending"] button::after { content: " \\2191"; }
th[aria-sort="descending"] button::after { content: " \\2193"; }
.thumbnail img { display: block; max-width: 84px; max-height: 52px; border-radius: 4px; cursor: zoom-in; }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(190px, 1fr)); gap: 12px; align-items: start; }
.card { margin: 0; background: var(--card); border-radius: 8px; padding: 8px; }
.card img, .card .none { width: 100%; height: 170px; object-fit: contain; border-radius: 4px; cursor: zoom-in; }
.card figcaption { margin-top: 6px; line-height: 1.35; overflow-wrap: anywhere; } .card b { color: var(--ink); }
.truth::before, .found::before { content: ""; display: inline-block; width: 12px; height: 12px; margin-right: 4px;
  border-radius: 3px; background: rgb(60 220 90); } .found::before { background: rgb(255 60 200); }
.swatch { display: inline-block; width: 20px; height: 20px; border-radius: 4px; vertical-align: middle; }
meter { width: 70px; vertical-align: middle; }
.curves { display: grid; grid-template-columns: repeat(auto-fill, minmax(260px, 1fr)); gap: 14px; }
.curve { margin: 0; background: var(--card); border-radius: 8px; padding: 8px 12px; } .curve b { color: var(--ink); }
svg { width: 100%; height: auto; } svg text { font-size: 11px; fill: var(--soft); }
.axis { fill: none; stroke: var(--line); } .line { fill: none; stroke: var(--mark); stroke-width: 1.6; }
.dot { fill: var(--mark); }
.bars { max-width: 640px; }
.bar { display: grid; grid-template-columns: 130px 1fr 90px; gap: 10px; align-items: center; }
.bar i { background: var(--mark); height: 12px; border-radius: 3px; min-width: 2px; }
.bar b { font-weight: 500; text-align: right; font-variant-numeric: tabular-nums; }
pre { background: var(--card); border-radius: 8px; padding: 12px 16px; overflow-x: auto; font-size: 13px; }
summary { cursor: pointer; color: var(--mark); } li { margin: 2px 0; }
"""

SCRIPT = """
for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => head.querySelector("button")?.addEventListener("click", () => {
    const down = head.getAttribute("aria-sort") === "ascending";
    heads.forEach(other => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const key = row => row.cells[column].dataset.v ?? row.cells[column].textContent;
    const rows = [...table.tBodies[0].rows].sort((a, b) =>
      key(a).localeCompare(key(b), undefined, { numeric: true }) || 0);
    if (head.classList.contains("n")) rows.sort((a, b) => key(a) - key(b));
    table.tBodies[0].append(...(down ? rows.reverse() : rows));
  }));
}
const dialog = document.querySelector("dialog");
const pictures = document.querySelectorAll(".view img, .thumbnail img, .card img");
for (const picture of pictures) picture.addEventListener("click", () => {
  const large = dialog.querySelector("img");
  large.src = picture.src; large.alt = picture.alt;
  large.style.setProperty("--shape", picture.naturalWidth / picture.naturalHeight);
  dialog.showModal();
});
dialog.addEventListener("click", () => dialog.close());
"""
