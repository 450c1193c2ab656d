// Boxes beside the rows: all of a page at once, and how many are selected. Lists work without it.
const boxesOf = (form) => [...form.querySelectorAll('input[name="id"]')];

const count = (form) => {
  const boxes = boxesOf(form);
  const chosen = boxes.filter((box) => box.checked).length;
  const said = form.querySelector("[data-selected-count]");
  if (said) said.textContent = chosen === 1 ? said.dataset.one : chosen ? said.dataset.many.replace("#", chosen) : "";
  const all = form.querySelector("[data-check-all]");
  if (all) {
    all.closest("label").hidden = false;
    all.checked = chosen > 0 && chosen === boxes.length;
    all.indeterminate = chosen > 0 && chosen < boxes.length;
  }
};

const formOf = (element) => element.closest(".list-table form");

document.addEventListener("change", (event) => {
  const form = formOf(event.target);
  if (!form) return;
  if (event.target.matches("[data-check-all]")) {
    for (const box of boxesOf(form)) box.checked = event.target.checked;
  }
  count(form);
});

// htmx tells each element of what it replaces that it goes, 5,700 times for a page of rows: what is emptied
// before has nothing to tell.
document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.shouldSwap && event.detail.target.matches(".list-table")) {
    event.detail.target.querySelector("tbody")?.replaceChildren();
  }
});

const countAll = () => { for (const form of document.querySelectorAll(".list-table form")) count(form); };
document.addEventListener("htmx:afterSettle", countAll);
countAll();
