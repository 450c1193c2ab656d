// A button that cannot be pressed stays focusable and, pressed all the same, says why.
const sayWhyNot = (reason) => {
  const place = document.getElementById("why-not");
  if (place && place.textContent !== reason) place.textContent = reason;
};
document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  const refused = button?.getAttribute("aria-disabled") === "true";
  if (refused) event.preventDefault();
  if (button) sayWhyNot(refused ? button.title : "");
});
document.addEventListener("htmx:afterSwap", () => {
  const reason = document.getElementById("why-not")?.textContent;
  const stands = [...document.querySelectorAll('[aria-disabled="true"]')].some((button) => button.title === reason);
  if (!stands) sayWhyNot("");
});
