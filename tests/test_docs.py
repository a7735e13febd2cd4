"""The pages in docs/ that are made from the code are as the code would make them now."""

import runpy

from tests.programs import ROOT


def test_the_page_of_the_api_is_what_the_docstrings_say():
    made = runpy.run_path(str(ROOT / "docs" / "write_api.py"))["page"]()
    assert (ROOT / "docs" / "api.md").read_text(encoding="utf-8") == made, "run `make api`"
