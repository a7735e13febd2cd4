"""Corpora for the tests: sentences of invented words, and MediaWiki dumps built like the real ones."""

import bz2
from collections.abc import Iterable, Iterator
from pathlib import Path
from random import Random
from xml.sax.saxutils import escape

_SYLLABLES = [
    "ba",
    "do",
    "ke",
    "li",
    "mo",
    "nu",
    "ra",
    "si",
    "to",
    "ve",
    "wa",
    "zi",
    "cor",
    "den",
    "fal",
    "gis",
    "hun",
    "jor",
]

_HEAD = """<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/" version="0.11" xml:lang="en">
  <siteinfo>
    <sitename>Wikipedia</sitename>
    <dbname>testwiki</dbname>
    <base>https://test.wikipedia.org/wiki/Main_Page</base>
    <generator>MediaWiki 1.44</generator>
    <case>first-letter</case>
    <namespaces>
      <namespace key="-2" case="first-letter">Media</namespace>
      <namespace key="0" case="first-letter" />
      <namespace key="1" case="first-letter">Talk</namespace>
      <namespace key="6" case="first-letter">Datei</namespace>
      <namespace key="10" case="first-letter">Template</namespace>
      <namespace key="14" case="first-letter">Kategorie</namespace>
    </namespaces>
  </siteinfo>
"""


def word(rng: Random) -> str:
    return "".join(rng.choice(_SYLLABLES) for _ in range(rng.randint(1, 3)))


def sentence(rng: Random, num_words: int = 8) -> str:
    """A sentence of random words; two of them are almost never equal."""
    return " ".join(word(rng) for _ in range(num_words)).capitalize() + "."


def page_xml(number: int, title: str, wikitext: str, namespace: int = 0, redirect: str = "") -> str:
    """A <page> element of a dump."""
    target = f'    <redirect title="{escape(redirect)}" />\n' if redirect else ""
    return f"""  <page>
    <title>{escape(title)}</title>
    <ns>{namespace}</ns>
    <id>{number}</id>
{target}    <revision>
      <id>{number + 1000}</id>
      <parentid>{number + 900}</parentid>
      <timestamp>2025-01-02T03:04:05Z</timestamp>
      <contributor>
        <username>Someone</username>
        <id>7</id>
      </contributor>
      <minor />
      <comment>/* Section */ a change</comment>
      <origin>{number + 1000}</origin>
      <model>wikitext</model>
      <format>text/x-wiki</format>
      <text bytes="{len(wikitext.encode())}" sha1="0" xml:space="preserve">{escape(wikitext)}</text>
      <sha1>0</sha1>
    </revision>
  </page>
"""


def write_dump(path: Path, pages: Iterable[str], end: str = "</mediawiki>\n") -> Path:
    """Writes a dump, compressed if its name ends in .bz2."""
    with (bz2.open if path.suffix == ".bz2" else open)(path, "wt", encoding="utf-8") as file:  # type: ignore[operator]
        file.write(_HEAD)
        file.writelines(pages)
        file.write(end)
    return path


def article(rng: Random, num_paragraphs: int = 6) -> str:
    """Wikitext like that of an article: an infobox, references, links, a table, lists, headings."""
    name = word(rng).capitalize()
    parts = [f"{{{{Short description|{word(rng)}}}}}\n{{{{Infobox place\n| name = {name}"]
    parts.append(f"| area = {{{{convert|{rng.randint(1, 99)}|km2|mi2}}}}\n| note = <ref>{{{{cite web}}}}</ref>\n}}}}")
    parts.append(f"'''{name}''' is {sentence(rng).lower()}<ref name=a>{{{{cite book|title=X|year=2001}}}}</ref>")
    for number in range(num_paragraphs):
        parts.append(f"\n== {word(rng).capitalize()} ==\n[[File:{name}.jpg|thumb|The [[{word(rng)}]] of old.]]")
        text = " ".join(sentence(rng, rng.randint(5, 16)) for _ in range(5))
        first, rest = text.split(" ", 1)
        parts.append(f"{first} [[{word(rng)}|{word(rng)}]] ''{word(rng)}'' {rest}<ref name=a /> {sentence(rng)}")
        parts.append(f"* [[{word(rng)}]] a list item\n* another {{{{x|y}}}} item")
        if number % 3 == 0:
            rows = "\n|-\n".join(f"| {word(rng)} || {rng.randint(1, 999)} || {word(rng)}" for _ in range(8))
            parts.append(f'{{| class="wikitable"\n! A !! B\n|-\n{rows}\n|}}')
    parts.append("[[Category:Places]]\n[[Kategorie:Orte]]\n[[de:Ort]]")
    return "\n".join(parts)


def many_pages(rng: Random, num_bytes: int) -> Iterator[str]:
    """Yields pages until they have `num_bytes`: articles, redirects and talk pages, as in a dump."""
    number = size = 0
    while size < num_bytes:
        number += 1
        kind = number % 4
        if kind == 0:
            page = page_xml(number, f"Redirect {number}", "#REDIRECT [[Other]]", redirect="Other")
        elif kind == 1:
            page = page_xml(number, f"Talk:Page {number}", sentence(rng) * 5, namespace=1)
        else:
            page = page_xml(number, f"Page {number}", article(rng, rng.randint(2, 30)))
        size += len(page)
        yield page
