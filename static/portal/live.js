// Pages that follow what happens without a reload. An element says what it follows, and how to get it anew:
//   <div id="vm" data-live="vm:…" hx-get="…" hx-trigger="cp:changed" hx-swap="outerHTML">
// The server tells which topics changed (see apps/portal/live/); where it cannot, the page looks every few
// seconds. [data-live-status] says which of the two it is, [data-live-say] what a screen reader is told.
const LOOK_MS = 5000; // without a stream
const SILENT_MS = 12000; // beats come every five seconds
const HIDDEN_MS = 10000; // a page nobody looks at gives its stream back
const SAY_MS = 5000;
const FLUSH_MS = 100;

const live = { source: null, topics: "", last: document.body.dataset.liveSince ?? "", heard: 0, tries: 0, mode: "start", ended: false };
const dirty = new Map(); // element id -> earliest time of its next fetch
const fetched = new Map(); // element id -> when it was last asked for
const shown = new Map(); // element id -> what was swapped in last

const elements = () => [...document.querySelectorAll("[data-live]")];
const topicsOf = (element) => element.dataset.live.split(/\s+/).filter(Boolean);
const wanted = () => [...new Set(elements().flatMap(topicsOf))].sort();

// What changed, and the moment at which to ask for it. A part in which somebody types or has selected
// something waits until they are done, and so does all that lies behind an open dialog.
let flushing = 0;
const mark = (element, rest = Number(element.dataset.liveEvery || 500)) => {
  dirty.set(element.id, Math.max(Date.now(), (fetched.get(element.id) ?? 0) + rest));
  flushing ||= setTimeout(flush, FLUSH_MS);
};
const beingEdited = (element) =>
  document.querySelector("dialog:modal:not(:has(#" + CSS.escape(element.id) + "))") ||
  (element.contains(document.activeElement) && document.activeElement.matches("input:not([type=checkbox]), textarea, select")) ||
  element.querySelector("details[open] form") ||
  [...element.querySelectorAll("input")].some((input) => input.checked !== input.defaultChecked);
const flush = () => {
  flushing = 0;
  for (const [id, due] of dirty) {
    const element = document.getElementById(id);
    if (element && (due > Date.now() || document.hidden || beingEdited(element))) continue;
    dirty.delete(id);
    if (!element) continue;
    fetched.set(id, Date.now());
    window.htmx.trigger(element, "cp:changed");
  }
  if (dirty.size && !document.hidden) flushing = setTimeout(flush, FLUSH_MS);
};
const markAll = () => elements().forEach((element) => mark(element));
const changed = (topics) =>
  elements().filter((element) => topicsOf(element).some((topic) => topics.includes(topic))).forEach((element) => mark(element));
document.addEventListener("htmx:afterRequest", (event) => {
  const { elt: element, xhr } = event.detail;
  const failed = !xhr.status || xhr.status >= 500;
  if (element?.dataset?.live && failed) mark(element, LOOK_MS); // what changed is still to be shown
});

// The stream.
let again = 0;
const close = () => {
  live.source?.close();
  live.source = null;
};
const lost = () => {
  close();
  live.mode = live.ended ? "looking" : "again";
  if (live.ended || document.hidden) return;
  clearTimeout(again);
  const wait = Math.min(30000, 1000 * 2 ** live.tries) * (0.5 + Math.random());
  live.tries += 1;
  again = setTimeout(connect, wait);
};
const hear = (event) => {
  live.heard = Date.now();
  live.last = event.lastEventId || live.last;
};
const connect = () => {
  const topics = wanted();
  clearTimeout(again);
  close();
  live.topics = topics.join(" ");
  if (!topics.length || document.hidden) return;
  if (document.querySelector("[data-live-status][data-no-stream]")) {
    live.mode = "looking";
    return;
  }
  const query = new URLSearchParams(topics.map((topic) => ["topic", topic]));
  query.set("since", live.last || "0");
  live.heard = Date.now();
  const source = new EventSource(`/live/?${query}`);
  live.source = source;
  source.addEventListener("hello", (event) => {
    hear(event);
    live.mode = "live";
    live.tries = 0;
  });
  source.addEventListener("beat", hear);
  source.addEventListener("changed", (event) => {
    hear(event);
    changed(JSON.parse(event.data));
  });
  source.addEventListener("end", (event) => {
    live.ended = JSON.parse(event.data) === "login";
    if (live.ended) markAll(); // the answer leads to the login page
    lost();
  });
  source.onerror = lost;
};

// What the page says of itself.
const tick = () => {
  if (document.hidden) return;
  if (live.source && Date.now() - live.heard > SILENT_MS) lost();
  const place = document.querySelector("[data-live-status]");
  if (!place) return;
  place.hidden = live.mode === "start"; // nothing here is followed
  const seconds = Math.round((Date.now() - live.heard) / 1000);
  const text = live.mode === "live" ? place.dataset.ago.replace("{n}", seconds) : place.dataset[live.mode];
  if (text && place.textContent !== text) place.textContent = text;
  place.dataset.liveStatus = live.mode;
};
let lastLook = Date.now();
const lookAnew = () => {
  if (document.hidden || live.mode === "live" || Date.now() - lastLook < LOOK_MS) return;
  lastLook = Date.now();
  markAll();
};

// What is read out: the latest only, and no more often than every five seconds.
let toSay = "";
let saidAt = 0;
const say = () => {
  const place = document.querySelector("[data-live-say]");
  if (!place || !toSay || Date.now() - saidAt < SAY_MS) return;
  saidAt = Date.now();
  place.textContent = toSay;
  toSay = "";
};
const newsOf = (element) =>
  [...(element?.querySelectorAll("[data-say]") ?? [])].map((part) => part.textContent.replace(/\s+/g, " ").trim()).join(". ");

// A part that comes back as it was is left as it is: focus, selection and what was opened stay.
const bare = (html) => html.replace(/name="csrfmiddlewaretoken" value="[^"]*"/g, "");
const heardOf = new Map(); // element id -> what it said last
let focused = null; // the control that had the focus, where it has no id by which htmx finds it again
const keyOf = (control) =>
  control?.id ? "" : ["href", "name", "value", "data-key"].map((name) => control?.getAttribute?.(name) ?? "").join(" ").trim();
document.addEventListener("htmx:configRequest", (event) => {
  if (event.detail.triggeringEvent?.type === "cp:changed") event.detail.headers["X-Live"] = "1";
});
document.addEventListener("htmx:beforeSwap", (event) => {
  const element = event.detail.target;
  if (!element?.dataset?.live || event.detail.xhr.status >= 400 || !event.detail.shouldSwap) return;
  if (event.detail.requestConfig.headers["X-Live"] && beingEdited(element)) { // begun while it was fetched
    event.detail.shouldSwap = false;
    mark(element);
    return;
  }
  const html = bare(event.detail.xhr.responseText);
  if (shown.get(element.id) === html) event.detail.shouldSwap = false;
  shown.set(element.id, html);
  heardOf.set(element.id, newsOf(element));
  const here = event.detail.shouldSwap && element.contains(document.activeElement) ? document.activeElement : null;
  focused = keyOf(here) ? { part: element.id, tag: here.tagName, key: keyOf(here) } : null;
});
document.addEventListener("htmx:afterSettle", (event) => {
  const element = document.getElementById(event.detail.elt?.id);
  if (focused && focused.part === element?.id && document.activeElement === document.body) {
    const same = [...element.getElementsByTagName(focused.tag)].find((control) => keyOf(control) === focused.key);
    same?.focus({ preventScroll: true });
    focused = null;
  }
  if (element && heardOf.has(element.id)) {
    const news = newsOf(element);
    if (news && news !== heardOf.get(element.id)) toSay = news;
    heardOf.delete(element.id);
  }
  if (wanted().join(" ") !== live.topics) connect();
});

document.addEventListener("visibilitychange", () => {
  if (document.hidden) {
    setTimeout(() => document.hidden && close(), HIDDEN_MS);
  } else if (!live.source) {
    live.tries = 0;
    connect();
    flush();
  } else {
    flush();
  }
});
window.addEventListener("pagehide", close);
window.addEventListener("pageshow", (event) => event.persisted && connect());

live.last = document.querySelector("[data-live-since]")?.dataset.liveSince ?? "";
connect();
tick();
setInterval(() => {
  tick();
  lookAnew();
  say();
}, 1000);
