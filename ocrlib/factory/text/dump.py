"""MediaWiki's XML dumps, streamed page by page in bounded memory."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import ParseError

from ocrlib.errors import UserError
from ocrlib.factory.text.corpus_files import DamagedFile, open_bytes

# Errors of bz2, gzip, expat and mwxml for a cut or damaged dump.
_BROKEN = (ParseError, EOFError, OSError, ValueError)


def read_dump(path: Path, counts: Counter[str]) -> Iterator[str]:
    """Yields the paragraphs of the articles of a dump, in the order of the dump.

    Counts pages, articles, redirects, and pages of other namespaces or without wikitext.

    Raises:
      UserError: the file is XML, but not a MediaWiki dump.
      DamagedFile: it is cut or damaged.
    """
    from ocrlib.factory.text.wikitext import paragraphs

    for text, namespaces in _articles(path, counts):
        yield from paragraphs(text, counts, namespaces)


def _articles(path: Path, counts: Counter[str]) -> Iterator[tuple[str, frozenset[str]]]:
    """Yields (wikitext, lower-case names of the wiki's namespaces) for each article."""
    from mwxml import Dump
    from mwxml.element_iterator import ElementIterator
    from mwxml.errors import MalformedXML

    num_pages = 0
    try:
        with open_bytes(path) as file:
            root = ElementIterator.from_file(file)
            if root.tag != "mediawiki":
                raise UserError(f"{path}: is no MediaWiki dump: its XML begins with <{root.tag}>, not <mediawiki>")
            dump = Dump.from_element(root)
            names = (space.name for space in dump.site_info.namespaces or ())
            namespaces = frozenset(name.lower() for name in names if name)
            for page in dump.pages:
                # mwxml empties each page but keeps the empty element in the root: gigabytes for English Wikipedia.
                root.element.clear()
                num_pages += 1
                counts["pages"] += 1
                if page.namespace != 0:
                    counts["pages of other namespaces"] += 1
                elif page.redirect is not None:
                    counts["redirects"] += 1
                elif text := _latest_text(page):
                    counts["articles"] += 1
                    yield text, namespaces
                else:
                    counts["pages without wikitext"] += 1
    except UserError:
        raise
    except (*_BROKEN, MalformedXML) as error:
        raise DamagedFile(f"is cut or damaged after {num_pages:,} pages ({str(error)[:120]})") from None


def _latest_text(page) -> str:  # page: mwxml.Page, which is imported late
    text = ""
    for revision in page:
        text = revision.text if revision.model in (None, "wikitext") else ""
    return text or ""
