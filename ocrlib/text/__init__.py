"""Where the strings of a dataset come from: one `TextSource` for each kind of `[text]` table."""

from ocrlib.recipe import FileText, NumericText, WikipediaText, WordsText
from ocrlib.text.source import TextSource


def open_text(config: NumericText | WikipediaText | WordsText | FileText, seed: int) -> TextSource:
    """Returns the source that a recipe's `[text]` asks for.

    Raises:
      UserError: the corpus cannot be read, or cannot give what the recipe asks.
    """
    if isinstance(config, NumericText):
        from ocrlib.text.numeric import NumericStrings

        return NumericStrings(config, seed)
    from ocrlib.text.sentences import SentenceText

    return SentenceText(config, seed)
