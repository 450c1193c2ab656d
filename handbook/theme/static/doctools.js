// What Sphinx's search asks of the page. It stands in for Sphinx's own file, which makes a function of a
// text: the portal's content policy allows no such thing.
"use strict";

const _ready = (callback) => {
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", callback);
  else callback();
};

const Documentation = {
  texts: {},
  addTranslations: (catalogue) => Object.assign(Documentation.texts, catalogue.messages),
  gettext: (text) => [Documentation.texts[text] ?? text].flat()[0],
  ngettext: (one, many, number) => (Documentation.texts[one] ?? [one, many])[number === 1 ? 0 : 1],
};
const _ = Documentation.gettext;

const SPHINX_HIGHLIGHT_ENABLED = false;
