"use strict";
// Sorting: a click on a column's head.
function key(cell) {
  const value = cell.dataset.value;
  if (value === undefined) return cell.textContent.trim();
  return value === "" ? NaN : Number(value);
}
function compare(a, b) {
  if (typeof a === "number") {
    if (Number.isNaN(a) || Number.isNaN(b)) return Number.isNaN(a) - Number.isNaN(b);
    return a - b;
  }
  return a.localeCompare(b, undefined, { numeric: true });
}
for (const head of document.querySelectorAll("table.sortable th")) {
  head.querySelector("button").addEventListener("click", () => {
    const row = head.parentElement, body = row.closest("table").tBodies[0];
    const at = [...row.children].indexOf(head);
    const up = head.getAttribute("aria-sort") !== "ascending";
    for (const other of row.children) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    const rows = [...body.rows].map((line) => [key(line.cells[at]), line]);
    rows.sort((a, b) => {
      // An empty number stays at the end in both directions.
      if (Number.isNaN(a[0]) || Number.isNaN(b[0])) return compare(a[0], b[0]);
      return up ? compare(a[0], b[0]) : compare(b[0], a[0]);
    });
    body.append(...rows.map((pair) => pair[1]));
  });
}

// What is wider than its place says so.
function hint() {
  for (const box of document.querySelectorAll(".scroll, .drawing")) {
    box.classList.toggle("more", box.scrollWidth > box.clientWidth + 1);
  }
}
new ResizeObserver(() => requestAnimationFrame(hint)).observe(document.body);
addEventListener("toggle", hint, true);

// Highlighting: what is not picked is dimmed, in every figure and table.
const arms = JSON.parse(document.getElementById("arms-by-label").textContent);
const picks = document.getElementById("picks");
function pick() {
  const chosen = Object.fromEntries([...new FormData(picks)].filter((pair) => pair[1] !== ""));
  const { arm, seed, ...levels } = chosen;
  const kept = new Set(Object.keys(arms).filter((name) =>
    (arm === undefined || name === arm)
    && Object.entries(levels).every(([factor, level]) => arms[name][factor] === level)));
  for (const node of document.querySelectorAll(".mark, tr[data-arm], tr[data-seed]")) {
    const out = (node.dataset.arm !== undefined && !kept.has(node.dataset.arm))
      || (seed !== undefined && node.dataset.seed !== undefined && node.dataset.seed !== seed);
    node.classList.toggle("dim", out);
    node.classList.remove("lit");
  }
  picks.classList.toggle("picked", Object.keys(chosen).length > 0);
}
function choose(data, again) {
  for (const name of ["arm", "seed"]) {
    const select = picks.elements[name];
    if (!select || data[name] === undefined) continue;
    select.value = again && select.value === data[name] ? "" : data[name];
    break;
  }
  pick();
}
if (picks) {
  picks.hidden = false;
  picks.addEventListener("change", pick);
  picks.addEventListener("reset", () => setTimeout(pick));
}

// Pointing: the mark's own title at once, instead of after a second; the nearest one where none is hit.
const tip = document.getElementById("tip");
const NEAR = 12;
function nearest(svg, x, y) {
  let best = null, least = NEAR * NEAR;
  for (const mark of svg.querySelectorAll("use.mark")) {
    const box = mark.getBoundingClientRect();
    const away = (box.x + box.width / 2 - x) ** 2 + (box.y + box.height / 2 - y) ** 2;
    if (away < least) [best, least] = [mark, away];
  }
  return best;
}
function pointed(event) {
  const svg = event.target.closest && event.target.closest("figure svg");
  if (!svg) return null;
  return event.target.closest(".mark") || nearest(svg, event.clientX, event.clientY);
}
let moving = 0;
addEventListener("pointermove", (event) => {
  cancelAnimationFrame(moving);
  moving = requestAnimationFrame(() => {
    const mark = pointed(event);
    tip.hidden = mark === null;
    if (!mark) return;
    tip.textContent = mark.querySelector("title").textContent;
    const left = Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 4);
    tip.style.left = `${Math.max(left, 4)}px`;
    tip.style.top = `${event.clientY + 18 + tip.offsetHeight > innerHeight ? event.clientY - tip.offsetHeight - 10 : event.clientY + 18}px`;
  });
});
addEventListener("scroll", () => { tip.hidden = true; }, true);

// One run: its points and its curve are lit, and a card leads to its curve, its row and its record.
const records = JSON.parse(document.getElementById("records-by-run").textContent);
const card = document.getElementById("run");
function of(run, where) {
  return [...document.querySelectorAll(where)].filter((node) => node.dataset.run === run);
}
function close() {
  for (const node of document.querySelectorAll(".lit")) node.classList.remove("lit");
  card.hidden = true;
}
function show(run) {
  close();
  const marks = of(run, ".mark");
  for (const mark of marks) { mark.classList.add("lit"); mark.parentNode.append(mark); }
  const [told, ways, link] = [...card.children, card.querySelector("a")];
  told.textContent = marks.length ? `${marks[0].querySelector("title").textContent} (run ${run})` : `Run ${run}`;
  ways.querySelector("[data-go=curve]").hidden = of(run, "#figure-curves .mark").length === 0;
  ways.querySelector("[data-go=row]").hidden = of(run, "#table-runs tr").length === 0;
  link.hidden = records[run] === undefined;
  if (!link.hidden) link.href = records[run];
  card.dataset.run = run;
  card.hidden = false;
}
function go(where) {
  if (where === "close") { close(); if (picks) { picks.reset(); pick(); } return; }
  const row = of(card.dataset.run, "#table-runs tr")[0];
  if (where === "row") { row.closest("details").open = true; row.classList.add("lit"); }
  const there = where === "row" ? row : document.getElementById("figure-curves");
  there.scrollIntoView({ block: "center" });
}
addEventListener("keydown", (event) => { if (event.key === "Escape" && !card.hidden) go("close"); });

// Zooming: drag over a part of a figure; twice clicked, or its button, shows all of it again.
let drag = null, dragged = false;
function within(drawing, event) {
  const box = drawing.getBoundingClientRect();
  return [event.clientX - box.x, event.clientY - box.y];
}
function zoom(svg, part) {
  svg.dataset.whole ??= svg.getAttribute("viewBox");
  svg.setAttribute("viewBox", part ?? svg.dataset.whole);
  svg.closest("figure").querySelector("[data-zoom]").hidden = part === null;
}
addEventListener("pointerdown", (event) => {
  const svg = event.pointerType === "mouse" && event.button === 0 && event.target.closest("figure svg");
  dragged = false;
  if (!svg) return;
  const zone = document.createElement("div");
  zone.className = "zone";
  drag = { svg, zone, from: within(svg.parentNode, event) };
  event.preventDefault();
});
addEventListener("pointermove", (event) => {
  if (!drag) return;
  const to = within(drag.svg.parentNode, event);
  const size = [0, 1].map((i) => Math.abs(to[i] - drag.from[i]));
  if (!dragged && Math.max(...size) < 8) return;
  dragged = true;
  drag.svg.parentNode.append(drag.zone);
  const start = [0, 1].map((i) => Math.min(to[i], drag.from[i]));
  Object.assign(drag.zone.style, { left: `${start[0]}px`, top: `${start[1]}px`, width: `${size[0]}px`, height: `${size[1]}px` });
});
addEventListener("pointerup", (event) => {
  if (!drag) return;
  const { svg, zone, from } = drag;
  zone.remove();
  drag = null;
  if (!dragged) return;
  const to = within(svg.parentNode, event), matrix = svg.getScreenCTM().inverse();
  const box = svg.parentNode.getBoundingClientRect();
  const [a, b] = [from, to].map(([x, y]) => new DOMPoint(x + box.x, y + box.y).matrixTransform(matrix));
  const [width, height] = [Math.abs(a.x - b.x), Math.abs(a.y - b.y)];
  if (width > 4 && height > 4) zoom(svg, `${Math.min(a.x, b.x)} ${Math.min(a.y, b.y)} ${width} ${height}`);
});
addEventListener("dblclick", (event) => {
  const svg = event.target.closest("figure svg");
  if (svg) zoom(svg, null);
});

addEventListener("click", (event) => {
  const saved = event.target.closest("[data-save]"), whole = event.target.closest("[data-zoom]");
  const run = event.target.closest("tr[data-run] td:first-child"), mark = !dragged && pointed(event);
  const step = event.target.closest("[data-go]");
  if (step) go(step.dataset.go);
  else if (saved) save(saved);
  else if (whole) for (const svg of whole.closest("figure").querySelectorAll("svg")) zoom(svg, null);
  else if (run && !(event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    if (picks) { picks.reset(); pick(); }
    show(run.parentNode.dataset.run);
    if (of(card.dataset.run, "#figure-curves .mark").length) go("curve");
  } else if (mark) {
    const again = mark.dataset.run === undefined || (!card.hidden && card.dataset.run === mark.dataset.run);
    if (picks) choose(mark.dataset, again);
    if (again) close(); else show(mark.dataset.run);
  }
});

// Downloads: the view that is shown, in the page's colours on paper.
for (const tools of document.querySelectorAll(".tools")) tools.hidden = false;
function save(button) {
  const figure = button.closest("figure");
  const svg = [...figure.querySelectorAll("svg")].find((one) => one.getClientRects().length > 0);
  const copy = svg.cloneNode(true);
  const [, , width, height] = svg.getAttribute("viewBox").split(" ").map(Number);
  copy.setAttribute("width", `${width}pt`);
  copy.setAttribute("height", `${height}pt`);
  copy.setAttribute("font-family", "DejaVu Sans, Verdana, sans-serif");
  const text = new XMLSerializer().serializeToString(copy).replace(/var\(--fig-\w+, (#\w+)\)/g, "$1");
  const address = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
  const name = figure.id.replace("figure-", "");
  if (button.dataset.save === "svg") return hand(address, `${name}.svg`);
  const image = new Image();
  image.onload = () => {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [width * 3, height * 3];
    const context = canvas.getContext("2d");
    context.fillStyle = "#ffffff";
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.drawImage(image, 0, 0, canvas.width, canvas.height);
    hand(canvas.toDataURL("image/png"), `${name}.png`);
  };
  image.src = address;
}
function hand(address, name) {
  const link = document.createElement("a");
  [link.href, link.download] = [address, name];
  link.click();
}
