"""The language of a text, read from the text itself: what a page declares is often the template's language.

py3langid, a naive Bayes model over byte n-grams of 97 languages (Lui and Baldwin 2012), 4 MB, offline.
"""

from functools import cache

from py3langid.langid import MODEL_FILE, LanguageIdentifier

UNKNOWN = "und"

# The two written standards of Norwegian have codes of their own; the corpus of the world's feeds says `no`.
_ALIASES = {"nb": "no", "nn": "no", "zxx": UNKNOWN}
# More says no more, and costs.
_ENOUGH = 3000
_LEAST_LETTERS = 20
_LEAST_PROBABILITY = 0.5


def find_language(text: str) -> str:
    """The ISO 639-1 code of a text's language, "und" where the text does not tell."""
    sample = text[:_ENOUGH]
    letters = sum(character.isalpha() for character in sample)
    # A Chinese character says as much as several letters of an alphabet.
    unspaced = sum("\u3040" <= character <= "\u9fff" or "\uac00" <= character <= "\ud7a3" for character in sample)
    if letters + 3 * unspaced < _LEAST_LETTERS:
        return UNKNOWN
    language: str = _identifier().classify(sample)[0]
    return _ALIASES.get(language, language)


@cache
def _identifier() -> LanguageIdentifier:
    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True, min_confidence=_LEAST_PROBABILITY)
