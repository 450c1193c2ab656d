// A dialog is a page with an address of its own; with a script it opens over the page that leads to it.
const dialog = document.getElementById("dialog");
let opener = null;

const open = async (link) => {
  const answer = await fetch(link.href, { headers: { "HX-Request": "true" } });
  if (!answer.ok || answer.redirected) {
    location.assign(link.href);
    return;
  }
  dialog.innerHTML = await answer.text();
  for (const form of dialog.querySelectorAll("form:not([action])")) form.action = link.href;
  globalThis.htmx?.process(dialog);
  opener = link;
  dialog.showModal();
};

document.addEventListener("click", (event) => {
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
  const link = event.target.closest("a[data-dialog]");
  if (link) {
    event.preventDefault();
    open(link).catch(() => location.assign(link.href));
  } else if (dialog?.open && (event.target.closest("[data-dialog-close]") || event.target === dialog)) {
    event.preventDefault();
    dialog.close();
  }
});
dialog?.addEventListener("close", () => {
  dialog.replaceChildren();
  const back = opener?.isConnected ? opener : opener?.id && document.getElementById(opener.id);
  if (back) back.focus(); // a page that follows what happens may have drawn the link anew
});

// Nobody sees a list change behind an open dialog, and whoever types in that is not kept waiting for it: the
// list is asked for again when the dialog closes.
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  const front = detail.shouldSwap && detail.target.matches(".list-table") && document.querySelector("dialog:modal");
  if (!front) return;
  detail.shouldSwap = false;
  const how = { source: "#main", target: "#list-table", swap: "outerHTML", headers: detail.requestConfig.headers };
  const again = () => window.htmx.ajax("GET", detail.pathInfo.finalRequestPath, how);
  front.addEventListener("close", again, { once: true });
});
