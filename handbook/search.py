"""Greek for Sphinx's search: words are found in any of their forms, with accents or without."""

from __future__ import annotations

import re

import snowballstemmer
from sphinx import package_dir
from sphinx.search import SearchLanguage

_SMALL_WORDS = frozenset(
    """αλλά αν από για δεν ένα ένας η ή και κι με μη μην μια μία να ο οι όταν ότι που σε στα στη στην
    στις στο στον στους τα τη την της τις το τον του τους των ως""".split()  # noqa: SIM905
)
_SCRIPTS = package_dir / "search" / "minified-js"
_ENDING = r"(?<=..)ι$"
"""What Snowball leaves of some forms of a word and takes from others: εργασι(ες), εργασ(ια)."""
_STEMMER = """
window.Stemmer = class {
  constructor() { this.snowball = new GreekStemmer(); }
  stemWord(word) { return this.snowball.stemWord(word).replace(/%s/u, ""); }
};
"""


class SearchGreek(SearchLanguage):
    """Snowball's Greek on both sides: here for the index, its JavaScript twin in the browser."""

    lang = "el"
    language_name = "Greek"
    stopwords = _SMALL_WORDS
    js_stemmer_code = "\n".join(
        [
            *((_SCRIPTS / name).read_text() for name in ("base-stemmer.js", "greek-stemmer.js")),
            _STEMMER % _ENDING,
        ]
    )

    def __init__(self, options: dict[str, str]) -> None:
        super().__init__(options)
        self._snowball = snowballstemmer.stemmer("greek")

    def stem(self, word: str) -> str:
        return re.sub(_ENDING, "", self._snowball.stemWord(word.lower()))
