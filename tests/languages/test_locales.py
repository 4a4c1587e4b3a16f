"""Every node, input and output has a name and a tooltip in English and in both kinds of Chinese."""

from __future__ import annotations

import json
import re

import pytest

from tools.languages import pages
from tools.languages.pages import LANGUAGES, LOCALES, defs, english_defs, pack_nodes
from tools.languages.values import MEANINGS
from tools.nodes import known_nodes as known

CHINESE = re.compile(r"[\u4e00-\u9fff]")
SIMPLIFIED_ONLY = re.compile("[们这为说语声频时长码权发现间还数应员样线绪减轻图当将该较条两个么与过]")


def leaves(value, path=()):
    if isinstance(value, dict):
        for key, part in value.items():
            yield from leaves(part, (*path, key))
    else:
        yield path, value


def test_the_english_file_says_what_the_nodes_say():
    assert defs("en") == english_defs(), "run python -m tools.languages.write"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_entry_of_english_stands_in_the_language_and_nothing_else(language):
    assert {path for path, _ in leaves(defs(language))} == {path for path, _ in leaves(english_defs())}


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_is_empty(language):
    assert not [path for path, text in leaves(defs(language)) if not str(text).strip()]


@pytest.mark.parametrize("language", ("zh", "zh-TW"))
def test_chinese_tooltips_and_descriptions_are_chinese(language):
    wrong = [path for path, text in leaves(defs(language)) if path[-1] != "name" and not CHINESE.search(text)]
    assert not wrong


def test_traditional_chinese_has_no_simplified_characters():
    wrong = [(path, text) for path, text in leaves(defs("zh-TW")) if SIMPLIFIED_ONLY.search(text)]
    assert not wrong


@pytest.mark.parametrize("language", ("zh", "zh-TW"))
def test_numbers_and_tags_of_a_tooltip_survive_translation(language):
    """A range that changed in English must change in Chinese too."""
    for path, text in leaves(english_defs()):
        if path[-1] == "tooltip":
            numbers = set(re.findall(r"(?<![\w.])\d+(?:\.\d+)?(?![\w.]|\.\d)", text))
            translated = defs(language)
            for key in path:
                translated = translated[key]
            found = set(re.findall(r"\d+(?:\.\d+)?", translated))
            assert numbers <= found, (path, text, translated)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_port_type_and_menu_group_has_a_name(language):
    main = json.loads((LOCALES / language / "main.json").read_text(encoding="utf-8"))
    nodes = pack_nodes().values()
    types = {kind for node in nodes for kind in node["output"] if kind.startswith("INDEXTTS2_")}
    groups = {part for node in nodes for part in node["category"].split("/")[1:]}
    assert set(main["dataTypes"]) == types
    assert set(main["nodeCategories"]) == groups


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_node_has_a_help_page_that_is_up_to_date(language):
    for node in pack_nodes():
        path = pages.page_path(node, language)
        assert path.exists(), path
        assert path.read_text(encoding="utf-8") == pages.page(node, language), "run python -m tools.languages.write"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_help_page_mentions_every_input_and_has_an_example(language):
    for node in pack_nodes():
        text = pages.page_path(node, language).read_text(encoding="utf-8")
        missing = [name for name in defs("en")[node]["inputs"] if f"`{name}`" not in text]
        assert not missing, (node, missing)
        assert len(pages.example_of(node, language)) > 30, f"{node} has no example in {language}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_help_page_has_a_table_that_the_narrow_panel_would_cut_off(language):
    wide = [
        node for node in pack_nodes() if re.search(r"^\|", pages.page_path(node, language).read_text("utf-8"), re.M)
    ]
    assert not wide


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_list_says_what_an_input_means_before_its_kind(language):
    for node in pack_nodes():
        text = pages.page_path(node, language).read_text(encoding="utf-8")
        for name, entry in defs(language)[node]["inputs"].items():
            meaning = entry["tooltip"].replace("<", "&lt;").replace(">", "&gt;")
            assert re.search(rf"^- .*`{name}`: {re.escape(meaning)} \*[^*]+\*$", text, re.M), (node, name)


STAND_FOR_THEMSELVES = {
    "euler",
    "epss",
    "json",
    "fp32",
    "fp16",
    "bf16",
    "zhen",
    "ab2",
    "srt",
    "vtt",
    "ass",
    "csv",
    "tsv",
}


@pytest.mark.parametrize("language", ("zh", "zh-TW"))
def test_help_pages_say_what_every_value_of_a_list_means(language):
    """The lists themselves stay English: no browser has a place for translations of values."""
    for node in pack_nodes():
        text = pages.page_path(node, language).read_text(encoding="utf-8")
        for listed in re.findall(r"\*COMBO, 可[选選] ([^*]+)\*", text):
            bare = set(re.findall(r"`([a-z_]{3,})`(?!（)", listed)) - STAND_FOR_THEMSELVES
            assert not bare, (node, bare)
        assert node != "IndexTTS2_Duration" or "`seconds`（秒）" in text


def test_meanings_are_those_of_values_that_exist_in_the_right_characters():
    offered = {
        str(value)
        for node in pack_nodes()
        for kind, options in known.inputs_of(node).values()
        if known.widget_type(kind) == "COMBO"
        for value in known.choices(kind, options)
    }
    assert set(MEANINGS) <= offered
    assert not [meaning for _, meaning in MEANINGS.values() if SIMPLIFIED_ONLY.search(meaning)]


def test_no_help_page_is_left_of_a_node_that_is_gone():
    nodes = set(pack_nodes())
    assert {path.stem for path in pages.DOCS.glob("*.md")} == nodes
    assert {path.name for path in pages.DOCS.iterdir() if path.is_dir()} == nodes


@pytest.mark.parametrize("language", LANGUAGES)
def test_pictures_of_help_pages_lie_where_the_browser_looks_for_them(language):
    """Beside the English pages, whatever the language of the page is."""
    shown = {
        link
        for node in pack_nodes()
        for link in re.findall(r"!\[[^]]+\]\(([^)]+)\)", pages.page_path(node, language).read_text(encoding="utf-8"))
    }
    assert {f"IndexTTS2_{node}/example.png" for node in ("PlotEmotion", "PlotMel", "PlotSemantic")} <= shown
    assert shown == {path.relative_to(pages.DOCS).as_posix() for path in pages.DOCS.rglob("*.png")}
