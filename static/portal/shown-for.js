// Fields marked data-shown-for="name:value ..." are there only while a field of that name has one of the values.
const marked = () => document.querySelectorAll("[data-shown-for]");
const show = () => {
  for (const each of marked()) {
    const form = each.closest("form");
    const fits = each.dataset.shownFor.split(" ").some((pair) => {
      const [name, value] = pair.split(":");
      return form.elements[name]?.value === value;
    });
    (each.closest(".field") ?? each).hidden = !fits;
  }
};
document.addEventListener("change", show);
document.addEventListener("DOMContentLoaded", show);
show();
