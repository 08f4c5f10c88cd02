"use strict";
(() => {
  const form = document.getElementById("filter");
  const rows = [...document.querySelectorAll(".overview tr[data-slug]")];
  const entries = rows.map((row) => {
    const article = document.getElementById(row.dataset.slug);
    return { row, article, text: `${row.textContent} ${article.textContent}`.toLowerCase() };
  });
  const apply = () => {
    const { text, paper, verdict } = form.elements;
    const words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const entry of entries) {
      const match =
        (!paper.value || entry.row.dataset.paper === paper.value) &&
        (!verdict.value || entry.row.dataset.verdict === verdict.value) &&
        words.every((word) => entry.text.includes(word));
      entry.row.hidden = entry.article.hidden = !match;
      shown += match;
    }
    for (const group of document.querySelectorAll(".overview tbody, section.paper")) {
      group.hidden = !group.querySelector("[data-slug]:not([hidden])");
    }
    form.querySelector("output").textContent = `${shown} of ${entries.length} claims`;
  };
  const reveal = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target && target.closest("[hidden]")) {
      form.reset();
      apply();
      target.scrollIntoView();
    }
  };
  form.hidden = false;
  form.addEventListener("input", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(apply));
  for (const tile of document.querySelectorAll("[data-show]")) {
    tile.addEventListener("click", () => {
      form.elements.verdict.value = tile.dataset.show;
      apply();
    });
  }
  window.addEventListener("hashchange", reveal);
  apply();
})();
