// The colours that the reader chose in the portal. These pages are the same for everybody, so the server
// cannot write them into the page; theme.js does the rest.
"use strict";
{
  const chosen = Object.fromEntries(document.cookie.split("; ").map((pair) => pair.split("=")));
  const look = document.documentElement.dataset;
  if (["light", "dark"].includes(chosen.theme)) look.theme = look.bsTheme = chosen.theme;
  if (chosen.contrast === "more") look.contrast = "more";
}
