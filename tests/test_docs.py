"""The pages in docs/ that are made from the code are as the code would make them now."""

import runpy

from tests.programs import ROOT


def test_the_page_of_the_api_is_what_the_docstrings_say():
    made = runpy.run_path(str(ROOT / "docs" / "write_api.py"))["page"]()
    assert (ROOT / "docs" / "api.md").read_text(encoding="utf-8") == made, "run `make api`"


def test_the_page_of_licences_names_every_package_that_a_user_may_get():
    made = runpy.run_path(str(ROOT / "docs" / "write_licences.py"))["page"]()
    packages = {line.split(" | ")[0] for line in made.splitlines() if line.startswith("| ")}
    page = (ROOT / "docs" / "licences.md").read_text(encoding="utf-8")
    assert packages <= {line.split(" | ")[0] for line in page.splitlines()}, "run `make licences`"
