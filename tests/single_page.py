"""Read the page that is one file."""

from html.parser import HTMLParser

from mockserver.formats.json_text import Json, loads


class _Data(HTMLParser):
    """Collects the text of the element with the id `data`."""

    def __init__(self) -> None:
        super().__init__()
        self.text = ""
        self._is_inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._is_inside = ("id", "data") in attrs

    def handle_endtag(self, tag: str) -> None:
        self._is_inside = False

    def handle_data(self, data: str) -> None:
        if self._is_inside:
            self.text += data


def read_page_data(page: str) -> Json:
    """Return what *page* shows."""
    parser = _Data()
    parser.feed(page)
    return loads(parser.text)
