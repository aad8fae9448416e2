"use strict";
(function () {
  document.documentElement.classList.add("js");
  const all = (query, root) => Array.from((root || document).querySelectorAll(query));

  // Tables: a click on a head sorts by that column; numbers by their value.
  function value(row, index) {
    const cell = row.cells[index];
    return cell.dataset.v !== undefined ? Number(cell.dataset.v) : cell.textContent.trim();
  }
  function compare(a, b) {
    const missing = (v) => v === "" || Number.isNaN(v);
    if (missing(a) || missing(b)) return missing(a) - missing(b);
    return typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b));
  }
  for (const table of all("table.sortable")) {
    all("thead th", table).forEach((head, index) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = head.textContent;
      head.replaceChildren(button);
      button.addEventListener("click", () => {
        const down = head.getAttribute("aria-sort") === "ascending";
        all("thead th", table).forEach((other) => other.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        const rows = Array.from(table.tBodies[0].rows);
        rows.sort((a, b) => (down ? -1 : 1) * compare(value(a, index), value(b, index)));
        table.tBodies[0].append(...rows);
      });
    });
  }

  // Searches: rows or cards whose text contains what is typed stay.
  for (const box of all("input[type=search][data-items]")) {
    const items = all(box.dataset.items).map((item) => [item, (item.dataset.name || item.textContent).toLowerCase()]);
    const count = document.getElementById(box.dataset.count);
    const search = () => {
      const wanted = box.value.trim().toLowerCase();
      let found = 0;
      for (const [item, text] of items) {
        item.hidden = !text.includes(wanted);
        found += item.hidden ? 0 : 1;
      }
      count.textContent = wanted ? found + " of " + items.length : "";
    };
    box.addEventListener("input", search);
  }

  // The confusion matrix of a binary model at a threshold, and what its errors cost.
  const data = document.getElementById("thresholds");
  if (data) {
    const t = JSON.parse(data.textContent);
    const slider = document.getElementById("threshold");
    const costs = ["cost-false-positive", "cost-false-negative"].map((id) => document.getElementById(id));
    const set = (id, text) => { document.getElementById(id).textContent = text; };
    const count = (n) => (Number.isInteger(n) ? n.toLocaleString("en") : n.toFixed(1));
    const share = (a, b) => (b ? (a / b).toFixed(4) : "\u2013");
    const cost = (i) => t.false_positives[i] * Number(costs[0].value) + t.false_negatives[i] * Number(costs[1].value);
    const show = () => {
      const i = Number(slider.value);
      const [tp, fp, fn, tn] = ["true_positives", "false_positives", "false_negatives", "true_negatives"].map((k) => t[k][i]);
      set("m-tp", count(tp)); set("m-fp", count(fp)); set("m-fn", count(fn)); set("m-tn", count(tn));
      set("m-threshold", t.threshold[i]);
      set("m-precision", share(tp, tp + fp)); set("m-recall", share(tp, tp + fn));
      set("m-accuracy", share(tp + tn, tp + tn + fp + fn));
      set("m-f1", share(2 * tp, 2 * tp + fp + fn));
      let best = 0;
      t.threshold.forEach((_, j) => { if (cost(j) < cost(best)) best = j; });
      set("m-cost", count(cost(i)));
      set("m-best", t.threshold[best] + " (cost " + count(cost(best)) + ")");
      slider.setAttribute("aria-valuetext", "threshold " + t.threshold[i]);
    };
    slider.addEventListener("input", show);
    costs.forEach((box) => box.addEventListener("input", show));
    show();
  }

  // On paper, everything is open.
  window.addEventListener("beforeprint", () => all("details").forEach((d) => { d.open = true; }));
})();
