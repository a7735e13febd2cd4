"""From Wikipedia's markup to paragraphs of prose, without tables, templates, references, lists and headings.

It takes two steps. First a scanner cuts out everything that nests (templates, tables, references) in one linear pass.
mwparserfromhell would do this too, but at 0.2 MB/s and with a hundred times the page in memory. Then mwparserfromhell
gets only those lines that have more than plain links, one at a time.
"""

import re
from collections import Counter
from collections.abc import Iterator
from html import unescape

import mwparserfromhell

from ocrlib.factory.text.cleaning import GAP

_NOTES = "ref|references"
_BLOCKS = "gallery|timeline|table|imagemap|templatestyles|graph|mapframe|inputbox|categorytree|poem|hiero|score"
_INLINE = "math|chem|ce|code|syntaxhighlight|source|pre|nowiki|includeonly"
_TAG = f"(?P<tag>{_NOTES}|{_BLOCKS}|{_INLINE})"
_TOKEN = re.compile(
    r"<!--|-->|\{\{|\}\}|\{\||\|\}(?!\})"
    rf"|<{_TAG}\b[^<>]*?(?P<empty>/?)>|</(?P<close>{_NOTES}|{_BLOCKS}|{_INLINE})\s*>",
    re.IGNORECASE,
)
_CLOSES = {"-->": "<!--", "}}": "{{", "|}": "{|"}
_LIST_OR_TABLE = tuple("*#:;=|!{}")
_MAX_LINE = 10_000  # characters; a longer line is data, and takes the parser seconds
_MAX_DEPTH = 10_000  # open elements; a page with more is broken
_BREAK = re.compile(r"<br\s*/?>|&nbsp;", re.IGNORECASE)
_SWITCH = re.compile(r"__[A-Z]+__")
_QUOTES = re.compile(r"'{2,5}")  # bold and italic
# [[target|text]] and [[target]] without markup inside: nine links of ten; a hundred times as fast as the parser.
_PLAIN_LINK = re.compile(r"\[\[(?:[^\[\]{}<>|:]*\|)?([^\[\]{}<>|:]+)\]\]")
_LEFT_OVER = re.compile(r"[{|}]")  # prose has none: its sentence is rejected
_MARKED = re.compile(r"[\[\]<>]")
# English names of namespaces; every Wikipedia understands them besides its own.
_NAMESPACES = frozenset({"file", "image", "media", "category", "special", "wikipedia", "template", "portal"})


def paragraphs(wikitext: str, counts: Counter[str], namespaces: frozenset[str] = frozenset()) -> Iterator[str]:
    """Yields the paragraphs of a page as plain text.

    Args:
      counts: "overlong lines" is counted here.
      namespaces: the wiki's own names of its namespaces, in lower case; links to its pictures and categories are left
        out with their captions.

    Yields:
      Text that may contain `cleaning.GAP` in the place of a template or a formula whose text is unknown.
    """
    for line in cut_nested(wikitext).split("\n"):
        if line.startswith(_LIST_OR_TABLE) or line[:1].isspace():
            continue
        if len(line) > _MAX_LINE:
            counts["overlong lines"] += 1
            continue
        text = _plain(_BREAK.sub(" ", _SWITCH.sub("", line)), _NAMESPACES | namespaces).strip()
        text = _LEFT_OVER.sub(GAP, text)
        if text:
            yield text


def cut_nested(wikitext: str) -> str:
    """Returns the page without comments, templates, tables, references, formulas and the like.

    An element that is never closed removes the rest of the page: better to lose a page than to print markup.
    """
    kept: list[str] = []
    open_at: list[str] = []
    position = 0  # the end of the handled text, while nothing is open
    for token in _TOKEN.finditer(wikitext):
        word = token[0]
        if token["tag"]:
            opens, closes = (None if token["empty"] else token["tag"].lower()), None
            if token["empty"] and not open_at:
                kept += wikitext[position : token.start()], _stand_in(token["tag"].lower(), "", "", "")
                position = token.end()
        elif token["close"]:
            opens, closes = None, token["close"].lower()
        else:
            closes = _CLOSES.get(word)
            opens = None if closes else word
        inside = open_at[-1] if open_at else ""
        if inside in ("<!--", "nowiki", "pre", "math", "syntaxhighlight", "source") and closes != inside:
            continue  # nothing else is markup in there
        if opens:
            if not open_at:
                kept.append(wikitext[position : token.start()])
                position = token.start()
            open_at.append(opens)
            if len(open_at) > _MAX_DEPTH:
                break
        elif closes and closes in open_at:
            while open_at.pop() != closes:
                pass
            if not open_at:
                before = next((text[-1] for text in reversed(kept) if text), "\n")
                kept.append(
                    _stand_in(
                        closes,
                        before,
                        wikitext[position : token.end()],
                        wikitext[token.end() : token.end() + 1],
                    )
                )
                position = token.end()
    if not open_at:
        kept.append(wikitext[position:])
    return "".join(kept)


def _stand_in(name: str, before: str, cut: str, after: str) -> str:
    """Returns what replaces a cut element: nothing, a line break, or a GAP.

    The text of a template is unknown here. A template directly after a word or a full stop is a note, printed above the
    line; one that has its lines to itself is a box; any other one was part of its sentence.
    """
    if name in ("<!--", *_NOTES.split("|")):
        return ""
    if name == "{|" or name in _BLOCKS.split("|"):
        return "\n"
    if name == "{{":
        if before == "\n" and ("\n" in cut or after in ("", "\n", "{")):
            return "\n" if "\n" in cut else ""
        if (before.isalnum() or before in ".,;:!?)]>'\"”’%") and not after.isalnum():
            return ""
    return GAP


def _plain(line: str, namespaces: frozenset[str]) -> str:
    """Returns the printed text of a line without templates and tables."""
    text = _PLAIN_LINK.sub(r"\1", _QUOTES.sub("", line))
    if not _MARKED.search(text):
        return unescape(text)
    code = mwparserfromhell.parse(text)
    for link in code.filter_wikilinks(recursive=False):
        space, colon, _ = str(link.title).strip().partition(":")
        space = space.strip().lower()
        # Interwiki links ([[de:Berlin]]) print nothing either, but [[:Category:Cities]] does.
        if colon and space and (space in namespaces or re.fullmatch(r"[a-z]{2,3}(-[a-z]+)?|simple", space)):
            code.remove(link)
    return unescape(code.strip_code(normalize=True, collapse=False))
