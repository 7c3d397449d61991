"""The words of the labs, in the reader's language where a translation is there (gettext domain "mmlab")."""

from gettext import translation
from pathlib import Path

_words = translation("mmlab", localedir=Path(__file__).parent / "locale", fallback=True)
_, many = _words.gettext, _words.ngettext
