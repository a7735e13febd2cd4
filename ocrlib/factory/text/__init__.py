"""Where the texts of a dataset come from: one `TextSource` for each kind of `[text]` table.

source       what every source can do: the text of sample i
numeric, patterns     strings drawn from regular expressions
sentences    lines of a corpus, of which each split has its own
build        a corpus read once into a sentence file
corpus       the files of a corpus, its hash and its licence
corpus_files     finding, opening and hashing the files of a corpus
readers      text, JSON lines and parquet files
dump, wikitext       XML dumps of a wiki
live         the live Wikipedia
prose, cleaning     paragraphs to lines
outside      what was left out for characters that the charset lacks
sentence_file     the sorted lines on disk
schedule     which kind of line and which sentence an index gets
mixed        made-up lines of words, numbers, brackets and capitals
running      running text made of the words of a dictionary
variations   headings, entries of lists and marks of notes, made of a sentence
parts        several sources, each with its share of the lines
"""

from ocrlib.factory.settings.text import MixText, NumericText, TextSettings
from ocrlib.factory.text.source import TextSource


def open_text(config: TextSettings, seed: int) -> TextSource:
    """Returns the source for a recipe's `[text]`.

    Raises:
      UserError: the corpus cannot be read, or cannot provide what the recipe asks for.
    """
    if isinstance(config, MixText):
        from ocrlib.factory.text.parts import TextParts

        return TextParts(config, seed, open_text)
    if isinstance(config, NumericText):
        from ocrlib.factory.text.numeric import NumericStrings

        return NumericStrings(config, seed)
    from ocrlib.factory.text.sentences import SentenceText

    return SentenceText(config, seed)
