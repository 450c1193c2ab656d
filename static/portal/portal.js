// What every page does with a script; without one each of them still works.
import "./why-not.js";
import "./dialog.js";
import "./copy.js";
import "./live.js";
import "./toast.js";
import "./keep.js";
import "./palette.js";
import "./keys.js";

// The code of a login link is in the URL's fragment, which never reaches a server or its logs.
const loginForm = document.querySelector("[data-login-link]");
if (loginForm && location.hash.length > 1) {
  loginForm.elements.token.value = decodeURIComponent(location.hash.slice(1));
  history.replaceState(null, "", location.pathname);
}

// A summary of faults is what the reader should meet first.
document.getElementById("form-errors")?.focus();

// On a phone the tabs are one row that scrolls: it begins at the page that the reader is on.
for (const tab of document.querySelectorAll(".tabs [aria-current]")) tab.closest(".tabs").scrollLeft = tab.offsetLeft - tab.closest(".tabs").offsetLeft - 32;
