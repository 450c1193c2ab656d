// A toast goes after its seconds, unless somebody is at it; what it offers is also found elsewhere.
const begin = (toast) => {
  if (toast.dataset.begun) return;
  toast.dataset.begun = "yes";
  const end = () => {
    if (toast.matches(":hover, :focus-within")) setTimeout(end, 1000);
    else toast.remove();
  };
  setTimeout(end, 1000 * Number(toast.dataset.toast));
};
const beginAll = () => document.querySelectorAll("[data-toast]").forEach(begin);
document.addEventListener("htmx:afterSettle", beginAll);
beginAll();
