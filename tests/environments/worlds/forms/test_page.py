"""The page model: where a click goes, what takes text, what is seen."""

import pytest

from agenttuning.environments.worlds.forms.page import FormPage, XpathError

AREA = """<div id="area"><p><a href="#one">One</a><a href="#two">Two</a><a href="#none">None</a></p><div>
<div id="one"><label><input type="checkbox" id="box">tick</label><label>word<input type="text" id="note"></label></div>
<div id="two" style="display: none;"><input id="plain"><select id="list"><option>a</option><option>b</option></select>
<input type="password" id="secret"></div></div><span>nothing</span><button>Send</button></div>"""


@pytest.fixture
def page() -> FormPage:
    return FormPage(AREA)


def _click(page: FormPage, xpath: str) -> bool:
    return page.click(page.find(xpath))


def test_text_goes_to_the_field_that_was_clicked(page: FormPage) -> None:
    page.type("lost")
    assert _click(page, "//*[@id='note']")
    page.type("ab\n")
    page.press("backspace")
    page.press("enter")
    assert _click(page, "//span")
    page.type("lost")
    page.press("backspace")
    assert page.texts() == {"note": "a"}


def test_a_label_passes_its_click_on_once(page: FormPage) -> None:
    _click(page, "//label[1]")
    assert page.ticked() == {"box"}
    _click(page, "//*[@id='box']")
    assert page.ticked() == set()
    _click(page, "//label[2]")
    page.type("x")
    assert page.texts() == {"note": "x"}


def test_the_space_key_toggles_the_box_that_has_the_focus(page: FormPage) -> None:
    _click(page, "//*[@id='box']")
    page.type("a b")
    assert page.ticked() == set()
    page.type("  ")
    page.press("backspace")
    assert page.ticked() == set()
    assert page.texts() == {}


def test_what_is_hidden_cannot_be_clicked_until_its_tab_is_open(page: FormPage) -> None:
    before = page.html()
    assert not _click(page, "//*[@id='plain']")
    assert not page.choose(page.find("//option[2]"))
    assert not page.hover(page.find("//*[@id='secret']"))
    assert page.html() == before
    assert _click(page, "//a[2]")
    assert page.html() != before
    assert _click(page, "//*[@id='plain']")
    assert page.choose(page.find("//option"))
    assert _click(page, "//option[2]")
    assert page.texts() == {"list": "b"}
    assert not _click(page, "//*[@id='box']")


def test_the_first_visible_match_is_clicked(page: FormPage) -> None:
    assert _click(page, "//input[@type='password'] | //input[@type='checkbox']")
    assert page.ticked() == {"box"}


def test_a_tab_without_panel_and_a_choice_outside_of_a_list_do_nothing(page: FormPage) -> None:
    before = page.html()
    assert _click(page, "//a[3]")
    assert page.html() == before
    assert not page.choose(page.find("//button"))


def test_a_button_is_remembered(page: FormPage) -> None:
    assert page.pressed is None
    _click(page, "//button")
    assert page.pressed == "Send"


def test_what_the_user_enters_does_not_show(page: FormPage) -> None:
    before = page.html()
    _click(page, "//*[@id='note']")
    page.type("secret")
    _click(page, "//label[1]")
    assert page.html() == before


@pytest.mark.parametrize(
    "xpath",
    ["//[", "1 + 1", "//text()", "//input/@id", "foo:bar()", "$x", "", "(" * 900, "string(//a)", "//a/namespace::*"],
)
def test_what_selects_no_elements_is_told(page: FormPage, xpath: str) -> None:
    with pytest.raises(XpathError):
        page.find(xpath)
