"use strict";
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
addEventListener("beforeprint", () => {
  for (const fold of document.querySelectorAll("details")) fold.open = true;
});
