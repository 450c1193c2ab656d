// While a step is typed the server says what is wrong beside each field; this ties the words to their field,
// for screen readers and for its red edge.
const tie = (form) => {
  for (const place of form.querySelectorAll("[id$=_error]")) {
    const control = document.getElementById(place.id.replace(/_error$/, ""));
    if (!control) continue;
    const wrong = place.childElementCount > 0;
    if (wrong) control.setAttribute("aria-invalid", "true");
    else control.removeAttribute("aria-invalid");
    const others = (control.getAttribute("aria-describedby") ?? "").split(" ").filter((id) => id && id !== place.id);
    const ids = wrong ? [...others, place.id] : others;
    if (ids.length) control.setAttribute("aria-describedby", ids.join(" "));
    else control.removeAttribute("aria-describedby");
  }
};

document.addEventListener("htmx:afterRequest", (event) => {
  if (event.target.id === "launch-form") tie(event.target);
});
