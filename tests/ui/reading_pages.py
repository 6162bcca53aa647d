"""Reads a page as a browser's parser sees it: its elements, its words, what it would run."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "link", "input", "br", "hr", "img", "source", "wbr", "option"}  # an option needs no end


@dataclass
class Element:
    tag: str
    attributes: dict
    words: list = field(default_factory=list)

    @property
    def text(self):
        return " ".join("".join(self.words).split())

    def __getitem__(self, name):
        return self.attributes.get(name)


class Page(HTMLParser):
    """`page.all("a")` are its elements of a tag, in order; words belong to every element around them."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[Element] = []
        self._open: list[Element] = []
        self.unbalanced: list[str] = []
        self.feed(text)
        self.close()
        self.unbalanced += [element.tag for element in self._open]

    def handle_starttag(self, tag, attrs):
        element = Element(tag, dict(attrs))
        self.elements.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_startendtag(self, tag, attrs):
        self.elements.append(Element(tag, dict(attrs)))

    def handle_endtag(self, tag):
        if self._open and self._open[-1].tag == tag:
            self._open.pop()
        elif tag not in VOID:
            self.unbalanced.append(f"/{tag}")

    def handle_data(self, data):
        for element in self._open:
            element.words.append(data)

    def all(self, tag):
        return [element for element in self.elements if element.tag == tag]

    def one(self, tag):
        (found,) = self.all(tag)
        return found

    def by_class(self, name):
        return [element for element in self.elements if name in (element["class"] or "").split()]

    @property
    def links(self):
        return [element["href"] for element in self.all("a")]

    @property
    def text(self):
        return self.one("main").text
