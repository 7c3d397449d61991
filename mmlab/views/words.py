"""The words of the labs, in the reader's language where a translation is there (gettext domain "mmlab")."""

from gettext import translation
from pathlib import Path

_ = translation("mmlab", localedir=Path(__file__).parent / "locale", fallback=True).gettext
