// The command palette: Ctrl or Cmd and K. A combobox over a list that the server fills; without a script the
// search page does the finding.
const palette = document.getElementById("palette");
const RECENT = "recent";
const KEPT = 8;
const input = palette?.querySelector("input[role=combobox]");
const list = palette?.querySelector("[role=listbox]");
const reader = palette?.dataset.reader;
let asked = 0;

const recent = () => {
  try {
    const kept = JSON.parse(localStorage.getItem(RECENT));
    return kept?.reader === reader ? kept.pages : [];
  } catch {
    return [];
  }
};

// Pages of objects are remembered, for this reader of this browser alone.
const remember = () => {
  if (!/\/[0-9a-f-]{36}\/$/.test(location.pathname)) return;
  const title = document.querySelector("main h1")?.textContent.trim();
  const pages = [{ href: location.pathname, title }, ...recent().filter((page) => page.href !== location.pathname)];
  try {
    localStorage.setItem(RECENT, JSON.stringify({ reader, pages: pages.slice(0, KEPT) }));
  } catch {
    /* full, or switched off */
  }
};

const options = () => [...list.querySelectorAll("[role=option]")];
const chosen = () => list.querySelector('[aria-selected="true"]');

const choose = (option) => {
  chosen()?.setAttribute("aria-selected", "false");
  if (!option) {
    input.removeAttribute("aria-activedescendant");
    return;
  }
  option.setAttribute("aria-selected", "true");
  input.setAttribute("aria-activedescendant", option.id);
  option.scrollIntoView({ block: "nearest" });
};

const addRecent = () => {
  const pages = recent().filter((page) => page.href !== location.pathname);
  if (!pages.length) return;
  const group = document.createElement("div");
  const label = document.createElement("p");
  label.className = "area";
  label.id = "palette-recent";
  label.textContent = palette.dataset.recent;
  group.setAttribute("role", "group");
  group.setAttribute("aria-labelledby", label.id);
  group.append(label);
  for (const page of pages) {
    const option = document.createElement("div");
    option.setAttribute("role", "option");
    option.setAttribute("aria-selected", "false");
    option.dataset.href = page.href;
    option.append(Object.assign(document.createElement("bdi"), { textContent: page.title }));
    group.append(option);
  }
  list.append(group);
};

const ask = async () => {
  const mine = ++asked;
  const text = input.value.trim();
  const query = new URLSearchParams({ q: text, on: location.pathname });
  const answer = await fetch(`${palette.dataset.source}?${query}`, { headers: { "HX-Request": "true" } });
  if (mine !== asked) return; // something newer was typed meanwhile
  const login = answer.headers.get("HX-Redirect");
  if (login) location.assign(login);
  if (!answer.ok) return;
  list.innerHTML = await answer.text();
  if (!text) addRecent();
  options().forEach((option, index) => { option.id = `palette-option-${index}`; });
  choose(options()[0]);
  const said = palette.querySelector("[data-said]");
  said.textContent = list.querySelector("[data-total]")?.textContent ?? "";
  said.classList.toggle("visually-hidden", options().length > 0); // a number is for the ear, nothing for all
};

let waiting;
const askSoon = () => {
  clearTimeout(waiting);
  waiting = setTimeout(() => ask().catch(() => {}), 150);
};

const go = (option) => {
  const { href, verb } = option.dataset;
  palette.close();
  if (!verb) {
    location.assign(href);
    return;
  }
  const form = document.createElement("form");
  form.method = "post";
  form.action = href;
  const token = palette.querySelector("[name=csrfmiddlewaretoken]").value;
  for (const [name, value] of [["csrfmiddlewaretoken", token], ["verb", verb]]) {
    form.append(Object.assign(document.createElement("input"), { type: "hidden", name, value }));
  }
  document.body.append(form);
  form.submit();
};

export const openPalette = () => {
  if (!palette || palette.open) return;
  input.value = "";
  list.replaceChildren();
  palette.showModal();
  ask().catch(() => {});
};

if (palette) {
  remember();
  input.addEventListener("input", () => {
    choose(null); // the list answers what was typed before: Enter must not do any of it
    askSoon();
  });
  input.addEventListener("keydown", (event) => {
    const all = options();
    const at = all.indexOf(chosen());
    const target = { ArrowDown: (at + 1) % all.length, ArrowUp: (at - 1 + all.length) % all.length }[event.key];
    if (target === undefined || !all.length) return;
    event.preventDefault();
    choose(all[target]);
  });
  palette.querySelector("form").addEventListener("submit", (event) => {
    const option = chosen();
    if (!option) return;
    event.preventDefault();
    go(option);
  });
  list.addEventListener("click", (event) => {
    const option = event.target.closest("[role=option]");
    if (option) go(option);
  });
  palette.addEventListener("click", (event) => { if (event.target === palette) palette.close(); });
  document.getElementById("finder")?.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    openPalette();
  });
  document.addEventListener("submit", (event) => {
    if (event.target.action?.endsWith("/logout/")) localStorage.removeItem(RECENT);
  });
}
