// Tables: sorted by a click on a head, filtered where they are long. The page reads without.
const LONG = 15;
const shownText = cell => {
  const copy = cell.cloneNode(true);
  copy.querySelectorAll("small").forEach(small => small.remove());
  return copy.textContent.trim();
};
const compare = (first, second) => {
  const numbers = [first, second].map(text => parseFloat(text.replace(/,/g, "")));
  const known = numbers.map(Number.isFinite);
  if (known[0] && known[1]) return numbers[0] - numbers[1];
  if (known[0] !== known[1]) return known[0] ? -1 : 1;
  return first.localeCompare(second);
};
const sort = (table, head, place) => {
  const down = head.getAttribute("aria-sort") === "ascending";
  table.querySelectorAll("thead th").forEach(other => other.removeAttribute("aria-sort"));
  head.setAttribute("aria-sort", down ? "descending" : "ascending");
  const rows = [...table.tBodies[0].rows].map(row => [shownText(row.cells[place]), row]);
  rows.sort((first, second) => (down ? -1 : 1) * compare(first[0], second[0]));
  table.tBodies[0].append(...rows.map(([, row]) => row));
};
const filter = table => {
  const box = document.createElement("input");
  box.type = "search";
  box.placeholder = box.ariaLabel = "Filter rows";
  box.addEventListener("input", () => {
    const words = box.value.toLowerCase().split(/\s+/);
    for (const row of table.tBodies[0].rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every(word => text.includes(word));
    }
  });
  table.closest(".scroll").before(box);
};
for (const table of document.querySelectorAll(".scroll > table:not(.confusion)")) {
  table.querySelectorAll("thead th").forEach((head, place) => {
    head.tabIndex = 0;
    head.title = "Sort";
    head.addEventListener("click", () => sort(table, head, place));
    head.addEventListener("keydown", event => {
      if (event.key === "Enter") sort(table, head, place);
    });
  });
  if (table.tBodies[0].rows.length > LONG) filter(table);
}
