// What was typed into a form with data-keep="name reader" stays in this tab until it was sent: a lost session, a
// reload or another language lose nothing. It is forgotten on logging out and when another reader comes. Any other
// form of the page is kept once, while the language or the look changes.
const PREFIX = "keep ";
const ONCE = "keep-once";
const form = document.querySelector("form[data-keep]");
const key = form && PREFIX + form.dataset.keep;
const pristine = form && JSON.stringify(read(form));

function fields(of) {
  return [...of.elements].filter(
    (field) => field.name && field.name !== "csrfmiddlewaretoken" && !["password", "file", "submit", "button"].includes(field.type),
  );
}

function read(of) {
  return fields(of)
    .filter((field) => !["radio", "checkbox"].includes(field.type) || field.checked)
    .map((field) => [field.name, field.value]);
}

// Fills the form in; what it has no place for yet (the images of another zone) is returned.
function write(of, values) {
  const left = new Map();
  for (const [name, value] of values) left.set(name, [...(left.get(name) ?? []), value]);
  const known = new Set(left.keys());
  for (const field of fields(of)) {
    const wanted = left.get(field.name) ?? [];
    if (["radio", "checkbox"].includes(field.type)) {
      const at = wanted.indexOf(field.value);
      if (field.type === "checkbox" || known.has(field.name)) field.checked = at >= 0;
      if (at >= 0) wanted.splice(at, 1);
    } else if (wanted.length) field.value = wanted.shift();
  }
  for (const details of of.querySelectorAll("details")) {
    if (fields(of).some((field) => details.contains(field) && field.value !== field.defaultValue && field.defaultValue !== undefined && !["radio", "checkbox", "hidden"].includes(field.type))) details.open = true;
  }
  return [...left].flatMap(([name, values_]) => values_.map((value) => [name, value])).filter(([name]) => name !== "shown_for");
}

function stored(name) {
  try {
    return JSON.parse(sessionStorage.getItem(name));
  } catch {
    return null;
  }
}

function store(name, value) {
  try {
    sessionStorage.setItem(name, JSON.stringify(value));
  } catch {
    /* full, or switched off: then nothing is kept */
  }
}

function forget(unless = () => false) {
  for (const name of Object.keys(sessionStorage)) if (name.startsWith("keep") && !unless(name)) sessionStorage.removeItem(name);
}

function tellPage(of) {
  of.dispatchEvent(new Event("input", { bubbles: true }));
}

function restore() {
  const draft = stored(key);
  if (!draft || form.hasAttribute("data-keep-refused")) return;
  if (JSON.stringify(draft.values.filter(([name]) => name !== "submission")) === JSON.stringify(JSON.parse(pristine).filter(([name]) => name !== "submission"))) return;
  let left = write(form, draft.values);
  const note = form.querySelector("[data-keep-note]");
  if (note) note.hidden = false;
  document.addEventListener("htmx:afterSettle", () => {
    if (!left.length) return;
    const names = new Set(left.map(([name]) => name));
    write(form, [...read(form).filter(([name]) => !names.has(name)), ...left]);
    left = [];
    tellPage(form);
  });
  addEventListener("load", () => tellPage(form), { once: true });
}

if (form) {
  const reader = form.dataset.keep.split(" ").at(-1);
  forget((name) => name === ONCE || name.endsWith(` ${reader}`));
  restore();
  form.addEventListener("input", () => store(key, { values: read(form) }));
  form.addEventListener("submit", (event) => {
    if (!event.submitter?.hasAttribute("formaction")) store(key, { values: read(form), sent: true });
  });
  form.querySelector("[data-keep-forget]")?.addEventListener("click", () => {
    sessionStorage.removeItem(key);
    location.assign(location.pathname);
  });
} else if (document.getElementById("side")) {
  // On a page of somebody who is logged in: what was sent has arrived.
  for (const name of Object.keys(sessionStorage)) if (name.startsWith(PREFIX) && stored(name)?.sent) sessionStorage.removeItem(name);
}

const others = () => [...document.querySelectorAll("main form:not([data-keep])")];
const once = stored(ONCE);
if (once) {
  sessionStorage.removeItem(ONCE);
  if (once.path === location.pathname) {
    others().forEach((other, index) => {
      if (once.forms[index]) write(other, once.forms[index]);
    });
  }
}
document.addEventListener("submit", (event) => {
  if (event.target.hasAttribute("data-keeps-form")) store(ONCE, { path: location.pathname, forms: others().map(read) });
  if (event.target.action?.endsWith("/logout/")) forget();
});
