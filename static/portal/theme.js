// The reader's colours, before the page is drawn, so that nothing flashes: their choice, or their system's.
const root = document.documentElement;
const dark = matchMedia("(prefers-color-scheme: dark)");
const more = matchMedia("(prefers-contrast: more)");
const chosenContrast = root.dataset.contrast;
const follow = () => {
  if (root.dataset.theme === "system") root.dataset.bsTheme = dark.matches ? "dark" : "light";
  if (chosenContrast || more.matches) root.dataset.contrast = "more";
  else delete root.dataset.contrast;
};
follow();
dark.addEventListener("change", follow);
more.addEventListener("change", follow);
