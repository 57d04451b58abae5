"""Elements whose content is never markup."""

from lightning_suite.reporting.markup import as_html, element


def test_texts_and_attributes_are_escaped() -> None:
    made = element("p", "<b>&\x00\ud800", title='"><script>')
    assert as_html(made) == '<p title="&quot;&gt;<script&gt;">&lt;b&gt;&amp;\\x00\\ud800</p>'


def test_content_stays_in_order() -> None:
    made = element("p", "a", [element("i", "b"), None, "c"], ("d", [element("br")]), "e", hidden=None)
    assert as_html(made) == "<p>a<i>b</i>cd<br>e</p>"


def test_lines_stay() -> None:
    assert as_html(element("pre", "a\n\nb\tc")) == "<pre>a\n\nb\\tc</pre>"
