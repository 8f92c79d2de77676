"""Small reading of small XML: elements by local name, whatever their namespace.

`kids` looks at each child once; looking for one name after another takes four times as long over a whole statement.
"""

from lxml import etree

from statement_readers.fields import to_minor, unreadable

Element = etree._Element

Kids = dict[str, Element]
"""Local name → the first child element of that name."""


def local(element: Element) -> str:
    tag: str = element.tag
    return tag[tag.rfind("}") + 1 :]


def kids(element: Element | None) -> Kids:
    found: Kids = {}
    if element is not None:
        for item in element:
            tag = item.tag  # `local`, written out: this line runs thirty times per entry
            found.setdefault(tag[tag.rfind("}") + 1 :], item)
    return found


def text(element: Element | None) -> str | None:
    """The element's text without surrounding white space; None where it is absent or empty."""
    return ((element.text or "").strip() or None) if element is not None else None


def text_at(element: Element | None, *path: str) -> str | None:
    """The text at the end of a path of local names."""
    for name in path:
        element = kids(element).get(name)
    return text(element)


def place(element: Element) -> int | None:
    """The line it starts on; libxml2 counts to 65,535 only, beyond which no line is better than a wrong one."""
    line: int | None = element.sourceline  # type: ignore[assignment]  # the stubs leave its type open
    return line if line is not None and line < 65_535 else None


def money(amount: Element) -> tuple[int, str]:
    """Unsigned minor units and currency of an amount."""
    currency: str = amount.get("Ccy") or ""
    minor = to_minor((amount.text or "").strip(), currency, line=place(amount))
    if minor < 0:
        raise unreadable("an amount (Amt) is negative; its direction belongs in CdtDbtInd.", line=place(amount))
    return minor, currency
