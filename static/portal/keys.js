// Shortcuts. Ctrl or Cmd and K always works; single keys never act while somebody types, and can be switched off
// (WCAG 2.1.4) on the sheet that "?" opens.
import { openPalette } from "./palette.js";

const GO = { h: "/", v: "/virtual-machines/", j: "/jobs/", k: "/ssh-keys/", t: "/trash/" };
const GO_WITHIN = 1500;
let wentAt = -Infinity;

const isTyping = (target) => target.closest?.("input, textarea, select, [contenteditable], dialog");

const moveRow = (step) => {
  const links = [...document.querySelectorAll("table.list tbody th a")];
  if (!links.length) return false;
  const at = links.findIndex((link) => link.closest("tr").contains(document.activeElement));
  const next = at < 0 ? (step > 0 ? 0 : links.length - 1) : Math.min(Math.max(at + step, 0), links.length - 1);
  links[next].focus();
  return true;
};

const filter = () => {
  const search = document.querySelector("#list-filters input[type=search], main form[role=search] input");
  if (search) search.focus();
  else openPalette();
  return true;
};

const leads = (href) => {
  location.assign(href);
  return true;
};

const ACTS = {
  "?": () => (document.getElementById("shortcuts")?.click(), true),
  "/": filter,
  c: () => leads("/virtual-machines/new/"),
  j: () => moveRow(1),
  k: () => moveRow(-1),
};

// On a keyboard that is set to Greek the letters are where they are on a Latin one.
const keyOf = ({ key, code }) => (/^[^\x00-\x7f]/.test(key) && /^Key[A-Z]$/.test(code) ? code[3].toLowerCase() : key);

document.addEventListener("keydown", (event) => {
  if (event.isComposing || !event.key || !document.getElementById("palette")) return;
  const key = keyOf(event);
  if ((event.ctrlKey || event.metaKey) && !event.altKey && key.toLowerCase() === "k") {
    event.preventDefault();
    openPalette();
    return;
  }
  const off = document.documentElement.dataset.keys === "off";
  if (off || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target) || document.querySelector("dialog[open]")) return;
  const going = event.timeStamp - wentAt < GO_WITHIN;
  wentAt = -Infinity;
  if (going && GO[key]) {
    event.preventDefault();
    leads(GO[key]);
  } else if (key === "g") wentAt = event.timeStamp;
  else if (ACTS[key]?.()) event.preventDefault();
});
