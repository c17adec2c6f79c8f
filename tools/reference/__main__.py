"""`make reference`: writes what is made of the code anew, docs/reference and example.env."""

from tools.reference.pages import HOUSE, PAGES

for path, text in PAGES.items():
    (HOUSE / path).write_text(text(), encoding="utf-8")
