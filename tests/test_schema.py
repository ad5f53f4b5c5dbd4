"""A mapping becomes a checked dataclass, or a good error with file:line:column."""

# mypy: disable-error-code="arg-type, call-arg, misc"
# These tests say wrong things on purpose.

import dataclasses
import enum
import json
import math
import os
import time
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from simulator.base import document
from simulator.base.checking import build, check
from simulator.base.document import Document, dotted, parse_yaml, read_yaml
from simulator.base.errors import InputError
from simulator.base.schema import (
    Fraction,
    Name,
    NonNegative,
    NonNegativeInt,
    Positive,
    PositiveInt,
    checked,
    json_schema,
    to_plain,
)


@checked
class Link:
    """A link."""

    id: Name
    capacity_gbps: Positive
    mode: Literal["fibre", "radio"] = "fibre"


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


@checked
class Plan:
    """What to build.

    It may be long.

    Attributes
    ----------
    links : tuple of Link
        The links
        to build.
    share, rest : float
        Some part.

    Notes
    -----
    note : none
        Not a field.
    """

    name: Name
    links: tuple[Link, ...] = ()
    share: Fraction = 0.5
    rest: NonNegative = 0
    rounds: PositiveInt = 1
    tries: NonNegativeInt = 0
    folder: Path = Path("here")
    either: float | Link | None = None
    pair: tuple[float, float] = (0, 0)
    limits: dict[Name, Positive] = Field(default_factory=dict, description="by name")
    quick: bool = False
    colour: Colour = Colour.RED
    cap: Positive | None = None


@checked
class Window:
    """Start before end."""

    start: float
    end: float

    def __post_init__(self):
        if self.start >= self.end:
            raise ValueError("the window ends before it starts")


@checked
class Windows:
    """Some."""

    windows: tuple[Window, ...] = ()
    other: int = 1


def refusal(text):
    with pytest.raises(InputError) as caught:
        parse_yaml(text)
    return str(caught.value)


def letters(cls, text):
    return [str(problem) for problem in check(cls, parse_yaml(text, "f.yaml"))[1]]


# ---------------------------------------------------------------- words of YAML 1.2


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("NO", "NO"),
        ("yes", "yes"),
        ("on", "on"),
        ("y", "y"),
        ("true", True),
        ("false", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("1e3", 1000.0),
        ("1.5E-3", 0.0015),
        (".5", 0.5),
        ("5.", 5.0),
        ("-.inf", -math.inf),
        ("010", 10),
        ("-7", -7),
        ("+7", "+7"),  # a change by seven, in this project
        ("0o17", 15),
        ("0xff", 255),
        ("12:30", "12:30"),
        ("190:20:30", "190:20:30"),
        ("2026-01-31", "2026-01-31"),
        ("2026-01-31T10:00:00Z", "2026-01-31T10:00:00Z"),
        ("1_000", "1_000"),
        ("0b11", "0b11"),
        ("'12'", "12"),
        ('"true"', "true"),
        ("''", ""),
        ("!!str 12", "12"),
        ("! 12", "12"),
        ("=", "="),
        ("北京", "北京"),
        ("٣", "٣"),
        ("|-\n  12", "12"),
    ],
)
def test_words_mean_what_they_look_like(written, meant):
    value = parse_yaml(f"a: {written}\n").data["a"]
    assert value == meant
    assert type(value) is type(meant)


def test_not_a_number_can_be_written():
    assert math.isnan(parse_yaml("a: .nan").data["a"])


def test_whole_numbers_as_keys_become_text_as_written():
    assert parse_yaml("{7: a, 007: b, NO: c}").data == {"7": "a", "007": "b", "NO": "c"}


def test_bom_and_comments_are_no_trouble(tmp_path):
    file = tmp_path / "bom.yaml"
    file.write_bytes(b"\xef\xbb\xbf# hello\na: 1\r\nb: 2\r\n")
    document = read_yaml(file)
    assert document.data == {"a": 1, "b": 2}
    assert (document.file, document.path) == (str(file), file)
    assert document.locate(("b",)) == (3, 4)


# ---------------------------------------------------------------- refused YAML


@pytest.mark.parametrize(
    ("text", "letter"),
    [
        ("", "<text>:1:1: the file is empty"),
        ("# only a comment\n", "<text>:2:1: the file is empty"),
        ("---\n", "<text>:1:1: the file is empty"),
        ("a: 1\nb: 2\na: 3\n", "<text>:3:1: duplicate key 'a'; it first stands on line 1"),
        ("{1: a, '1': b}", "<text>:1:8: duplicate key '1'; it first stands on line 1"),
        ("a: 1\n---\nb: 1\n", "<text>:2:1: one document a file, please; here a second one starts"),
        ("a: !foo 1", "<text>:1:4: the tag '!foo' is not supported"),
        ("a: !!python/name:os.system x", "<text>:1:4: the tag '!!python/name:os.system' is not"),
        ("a: !!binary aGk=", "<text>:1:4: the tag '!!binary' is not supported"),
        ("a: !!str [1]", "<text>:1:4: the tag '!!str' is not supported"),
        ("true: 1", "<text>:1:1: a key must be text; put 'true' in quotes"),
        ("1.5: 1", "<text>:1:1: a key must be text; put '1.5' in quotes"),
        ("? [a]\n: 1", "<text>:1:3: a key must be plain text"),
        ("a: &x {b: 1}\nc:\n  <<: *x\n", "<text>:3:3: merge keys (<<) are not supported"),
        ("a: *nowhere", "<text>:1:4: nothing is anchored as &nowhere above"),
        ("a: &a [*a]", "<text>:1:8: *a refers to itself"),
        ("a: &a [1]\nb: &a [*a]", "<text>:2:8: *a refers to itself"),
        ("a: x\0y", "<text>:1:5: character U+0000 is not allowed here"),
        ('a: "x\\0y"', "<text>:1:4: character U+0000 is not allowed here"),
        ("a: b\nc: \ud800", "<text>:2:4: character U+D800 is not allowed here"),
        ("a: [1, 2", "<text>:2:1: not valid YAML: "),
        ("a:\n\tb: 1\n", "<text>:2:1: not valid YAML: "),
        ("a: " + "9" * 5000, "<text>:1:4: too many digits: '999"),
    ],
)
def test_refused_with_the_place(text, letter):
    assert refusal(text).startswith(letter)


def test_tabs_get_a_hint():
    assert "use spaces" in refusal("a:\n\tb: 1\n")


def test_a_quoted_merge_sign_is_an_ordinary_key():
    assert parse_yaml("'<<': 1").data == {"<<": 1}


@pytest.mark.parametrize("text", ["[" * 100_000, "{a: " * 5000, "- " * 5000, "? " * 5000])
def test_deep_nesting_is_refused(text):
    began = time.process_time()
    assert "nested more than 50 deep" in refusal(text) or "a key must be" in refusal(text)
    assert time.process_time() - began < 1


def test_fifty_deep_is_fine():
    assert parse_yaml("[" * 49 + "1" + "]" * 49)


def test_aliases_cannot_nest_deeper_than_writing():
    deep = "[" * 40 + "1" + "]" * 40
    text = f"a: &a {deep}\nb: {deep.replace('1', '*a')}"
    assert "deep, through aliases" in refusal(text)


def test_aliases_share_values():
    document = parse_yaml("a: &x {b: 1}\nc: *x\nd: [*x, *x]\n")
    assert document.data == {"a": {"b": 1}, "c": {"b": 1}, "d": [{"b": 1}, {"b": 1}]}
    assert document.locate(("c",), key=True) == (2, 1)
    assert document.locate(("c", "b")) == (1, 11)


def test_billion_laughs_end_quickly():
    lines = ["a0: &a0 [lol, lol]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 11)]
    began = time.process_time()
    assert "aliases blow this up" in refusal("\n".join(lines))
    assert time.process_time() - began < 0.5


def test_too_many_aliases_are_refused():
    assert "more than 100 aliases" in refusal("a: &a 1\nb: [" + "*a, " * 101 + "]")
    assert parse_yaml("a: &a 1\nb: [" + "*a, " * 100 + "]")


def test_a_file_holds_so_many_values_and_no_more(monkeypatch):
    monkeypatch.setattr(document, "MAX_VALUES", 10)
    assert len(parse_yaml("[" + "1, " * 9 + "[]]").data) == 10
    assert len(parse_yaml("{" + ", ".join(f"k{i}: 1" for i in range(10)) + "}").data) == 10
    told = refusal("a:\n" + "- {b: 1}\n" * 10)
    assert "<text>:7:7: more than 10 values; large networks go into CSV tables" in told
    assert "aliases blow" in refusal("a: &a [1, 2, 3]\nb: [*a, *a, *a]")


def parses_or_is_refused(text):
    try:
        assert parse_yaml(text).data is not None
    except InputError as error:
        assert error.problems[0].line
        assert "\n" not in str(error)


@given(st.text())
def test_any_text_parses_or_is_refused(text):
    parses_or_is_refused(text)


@given(st.text(alphabet="ab:-?[]{},&*!|>'\"%@`#~<. \n\t10", max_size=60))
def test_any_yaml_like_text_parses_or_is_refused(text):
    parses_or_is_refused(text)


@given(st.binary())
def test_any_bytes_parse_or_are_refused(tmp_path_factory, raw):
    file = tmp_path_factory.getbasetemp() / "any.yaml"
    file.write_bytes(raw)
    try:
        read_yaml(file)
    except InputError as error:
        assert error.problems[0].line


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(PLAIN)
def test_json_is_yaml(data):
    text = json.dumps({"a": data}).replace("-Infinity", "-.inf").replace("Infinity", ".inf")
    if "..inf" not in text:
        try:
            assert parse_yaml(text).data == {"a": data} or "inf" in text
        except InputError as error:  # what YAML cannot hold, or would lose, is refused
            assert "not allowed" in str(error) or "not valid" in str(error)


# ---------------------------------------------------------------- files


def test_latin_1_is_refused_with_its_line(tmp_path):
    file = tmp_path / "latin.yaml"
    file.write_bytes(b"a: 1\nb: caf\xe9\n")
    with pytest.raises(InputError) as caught:
        read_yaml(file)
    assert str(caught.value) == f"{file}:2:7: not UTF-8 text: byte 0xe9 at offset 11"


def test_a_missing_file_names_its_neighbour(tmp_path):
    (tmp_path / "peak.yaml").write_text("a: 1")
    with pytest.raises(InputError) as caught:
        read_yaml(tmp_path / "peek.yaml")
    assert str(caught.value).endswith("peek.yaml: no such file; did you mean 'peak.yaml'?")
    with pytest.raises(InputError, match="no such file"):
        read_yaml(tmp_path / "nowhere" / "a.yaml")


def test_a_directory_is_no_file(tmp_path):
    with pytest.raises(InputError, match="this is a directory, not a file"):
        read_yaml(tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_file_says_so(tmp_path):
    file = tmp_path / "secret.yaml"
    file.touch(mode=0)
    with pytest.raises(InputError, match="no permission"):
        read_yaml(file)


@pytest.mark.parametrize("name", ["a\0b", "x" * 5000])
def test_an_impossible_name_is_refused(name):
    with pytest.raises(InputError, match="cannot read this file"):
        read_yaml(name)


def test_a_huge_file_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(document, "MAX_BYTES", 10)
    file = tmp_path / "huge.yaml"
    file.write_text("a: " + "x" * 8)
    with pytest.raises(InputError, match="larger than"):
        read_yaml(file)


# ---------------------------------------------------------------- checked dataclasses


def test_checked_is_frozen_keyword_only_and_closed():
    link = Link(id="a", capacity_gbps=1)
    assert link == Link(id="a", capacity_gbps=1.0)
    assert type(link.capacity_gbps) is float
    with pytest.raises(dataclasses.FrozenInstanceError):
        link.id = "b"
    with pytest.raises(ValueError, match="positional"):
        Link("a", 1)
    with pytest.raises(ValueError, match="x"):
        Link(id="a", capacity_gbps=1, x=1)


@pytest.mark.parametrize(
    "wrong",
    [
        {"share": "0.5"},
        {"share": True},
        {"share": 1.1},
        {"share": math.nan},
        {"rest": math.inf},
        {"rest": 10**400},
        {"rest": -1},
        {"rounds": 1.0},
        {"rounds": True},
        {"rounds": "1"},
        {"rounds": 0},
        {"tries": -1},
        {"name": 7},
        {"name": b"x"},
        {"name": ""},
        {"name": "a\nb"},
        {"name": "x" * 201},
        {"quick": 1},
        {"quick": "true"},
        {"folder": 3},
        {"either": math.nan},
        {"limits": {"a": "1"}},
        {"pair": [1]},
        {"colour": "green"},
    ],
)
def test_nothing_is_taken_for_what_it_is_not(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Plan(**{"name": "x", **wrong})


def test_kind_coercions_are_made():
    plan = Plan(
        name="x", links=[{"id": "a", "capacity_gbps": 2}], folder="there", pair=[1, 2], colour="red"
    )
    assert plan.links == (Link(id="a", capacity_gbps=2),)
    assert plan.folder == Path("there")
    assert plan.pair == (1.0, 2.0)
    assert plan.colour is Colour.RED


def test_defaults_are_checked_too():
    @checked
    class Wrong:
        share: Fraction = 2

    with pytest.raises(ValueError, match="share"):
        Wrong()


def test_a_class_without_docstring_gets_none():
    @checked
    class Silent:
        x: int = 1

    assert Silent.__doc__ is None
    assert "description" not in json_schema(Silent, "Silent")


# ---------------------------------------------------------------- check and build

MANY = """\
name: [x]
links:
  - {id: a, capacity_gbps: NO}
  - id: b
    capacity_gpbs: 3
    mode: fibr
  - 7
share: 3
either: abc
pair: [1]
limits: {ok: 1, "": 2, bad: -1}
rounds: 2.5
quick: yes
colour: green
cap: .inf
fodler: x
zzzzzz: 1
rest: 1
"""


def test_every_problem_is_told_at_its_place():
    assert letters(Plan, MANY) == [
        "f.yaml:1:7: name: expected text of at least 1 and at most 200 characters,"
        " found a list of 1 item",
        "f.yaml:3:28: links[0].capacity_gbps: expected a number above 0, found 'NO'",
        "f.yaml:4:5: links[1].capacity_gbps: required key is missing; expected a number above 0",
        "f.yaml:5:5: links[1].capacity_gpbs: unknown key; did you mean 'capacity_gbps'?",
        "f.yaml:6:11: links[1].mode: expected one of fibre, radio, found 'fibr';"
        " did you mean 'fibre'?",
        "f.yaml:7:5: links[2]: expected a mapping, found 7",
        "f.yaml:8:8: share: expected a number from 0 to 1, found 3",
        "f.yaml:9:9: either: expected a number or a mapping, found 'abc'",
        "f.yaml:10:7: pair: expected a list of 2 items, found a list of 1 item",
        "f.yaml:11:17: limits.'': expected text of at least 1 and at most 200 characters, found ''",
        "f.yaml:11:29: limits.bad: expected a number above 0, found -1",
        "f.yaml:12:9: rounds: expected a whole number above 0, found 2.5",
        "f.yaml:13:8: quick: expected true or false, found 'yes'",
        "f.yaml:14:9: colour: expected one of red, blue, found 'green'",
        "f.yaml:15:6: cap: expected a finite number above 0, found inf",
        "f.yaml:16:1: fodler: unknown key; did you mean 'folder'?",
        "f.yaml:17:1: zzzzzz: unknown key; known: name, links, share, rest, rounds, tries, folder,"
        " either, pair, limits, quick, colour, cap",
    ]


def test_sound_fields_survive_broken_neighbours():
    fields, problems = check(Plan, parse_yaml(MANY))
    assert problems
    assert fields == {"rest": 1.0, "tries": 0, "folder": Path("here")}


def test_sound_fields_are_made_and_defaults_filled():
    fields, problems = check(Plan, parse_yaml("links: [{id: a, capacity_gbps: 1}]\ncap: 2"))
    assert [problem.key for problem in problems] == ["name"]
    assert fields["links"] == (Link(id="a", capacity_gbps=1),)
    assert fields["cap"] == 2.0
    assert fields["limits"] == {}
    assert set(fields) == set(Plan.__dataclass_fields__) - {"name"}


def test_a_union_is_told_by_the_branch_that_fits():
    assert letters(Plan, "name: x\neither: {id: a, capacity_gbps: yes}") == [
        "f.yaml:2:32: either.capacity_gbps: expected a number above 0, found 'yes'"
    ]
    assert letters(Plan, "name: x\neither: {id: a, capacity_gbps: 1, z: 1}") == [
        "f.yaml:2:35: either.z: unknown key; known: id, capacity_gbps, mode"
    ]


def test_checking_below_a_path():
    document = parse_yaml("plans:\n  - name: x\n  - share: 2\n", "f.yaml")
    assert check(Plan, document, ("plans", 0))[0]["name"] == "x"
    assert [str(problem) for problem in check(Plan, document, ("plans", 1))[1]] == [
        "f.yaml:3:5: plans[1].name: required key is missing; expected text of at least 1 and at"
        " most 200 characters",
        "f.yaml:3:12: plans[1].share: expected a number from 0 to 1, found 2",
    ]
    assert check(Plan, document, ("plans", 7)) == (
        {},
        [document.problem(("plans", 7), "expected a mapping, found nothing")],
    )


@pytest.mark.parametrize("text", ["7", "- a", "text", "[]"])
def test_only_mappings_become_dataclasses(text):
    fields, problems = check(Plan, parse_yaml(text))
    assert fields == {}
    assert "expected a mapping, found" in str(problems[0])


def test_own_rules_speak_for_themselves():
    text = "windows:\n  - {start: 1, end: 2}\n  - {start: 3, end: 2}\n"
    fields, problems = check(Windows, parse_yaml(text, "f.yaml"))
    assert [str(each) for each in problems] == [
        "f.yaml:3:5: windows[1]: the window ends before it starts"
    ]
    assert fields == {"other": 1}
    fields, problems = check(Window, parse_yaml("start: 3\nend: 1", "f.yaml"))
    assert [str(each) for each in problems] == ["f.yaml:1:1: the window ends before it starts"]
    assert fields == {"start": 3.0, "end": 1.0}


def test_long_values_are_shortened():
    assert len(letters(Plan, f"name: x\nshare: {'long' * 1000}")[0]) < 150
    assert len(letters(Plan, f"name: x\nquick: 0x{'f' * 6000}")[0]) < 150
    assert len(letters(Plan, f"name: x\n{'key' * 300}: 1")[0]) < 300


def test_messages_hold_no_jargon():
    said = "\n".join(letters(Plan, MANY)).lower()
    for word in ("pydantic", "http", "input should", "dict", "str ", "nonetype", "valid "):
        assert word not in said


def test_numbers_as_keys_in_python_data_are_refused():
    said = [problem.message for problem in check(Link, Document.of({7: 1}))[1]]
    assert "a key must be text, found 7" in said


def test_build_raises_everything_at_once():
    with pytest.raises(InputError) as caught:
        build(Plan, parse_yaml(MANY))
    assert len(caught.value.problems) == 17
    assert build(Link, parse_yaml("{id: a, capacity_gbps: 1}")) == Link(id="a", capacity_gbps=1)


def test_five_thousand_links_are_quick():
    text = "name: x\nlinks:\n" + "".join(
        f"  - id: n{i}\n    capacity_gbps: {i + 1}\n" for i in range(5000)
    )
    document, broken = parse_yaml(text), parse_yaml(text.replace("gbps: ", "gbps: x"))
    began = time.process_time()
    assert len(build(Plan, document).links) == 5000
    problems = check(Plan, broken)[1]
    assert time.process_time() - began < 2  # CPU time; usually 0.2
    assert (len(problems), problems[4999].line) == (5000, 10002)


# ---------------------------------------------------------------- documents


def test_locate_values_keys_and_ancestors():
    document = parse_yaml("a:\n  b: [1, {c: 2}]\n")
    assert document.locate(()) == (1, 1)
    assert document.locate(("a",)) == (2, 3)
    assert document.locate(("a",), key=True) == (1, 1)
    assert document.locate(("a", "b", 1, "c")) == (2, 14)
    assert document.locate(("a", "b", 1, "c"), key=True) == (2, 11)
    assert document.locate(("a", "x", "y")) == (2, 3)
    assert document.locate(("a", "x", "y"), key=True) == (1, 1)
    assert document.locate(("a", "b", 9)) == (2, 6)


def test_paths_read_as_people_write_them():
    assert dotted(("strategies", "sdn", "scheme", "kind")) == "strategies.sdn.scheme.kind"
    assert dotted(("nodes", 3, "id")) == "nodes[3].id"
    assert dotted(("sites", "St. Paul", "id")) == "sites.'St. Paul'.id"
    assert dotted(()) == ""


def test_python_data_has_no_lines():
    document = Document.of({"name": 1})
    assert document.locate(("name",)) == (None, None)
    assert str(check(Plan, document)[1][0]).startswith("<python>: name: expected text")


def test_warnings_are_marked():
    problem = parse_yaml("a: 1", "f.yaml").problem(("a",), "is small", severity="warning")
    assert str(problem) == "f.yaml:1:4: a: warning: is small"


# ---------------------------------------------------------------- overrides


def test_an_override_changes_a_copy():
    document = parse_yaml("a: {b: 1, c: [1, {d: 2}]}\n")
    changed = document.with_value(("a", "c", 1, "d"), 3, "--set a.c.1.d=3")
    assert document.data == {"a": {"b": 1, "c": [1, {"d": 2}]}}
    assert changed.data == {"a": {"b": 1, "c": [1, {"d": 3}]}}
    assert document.with_value(("a", "c", "1", "d"), 3, "--set").data == changed.data


def test_an_override_makes_missing_mappings():
    document = parse_yaml("a: 1\nempty:\n")
    changed = document.with_value(("x", "y", "z"), 3, "--set x.y.z=3")
    assert changed.data == {"a": 1, "empty": None, "x": {"y": {"z": 3}}}
    assert str(changed.problem(("x",), "is odd")) == "--set x.y.z=3: x: is odd"
    filled = document.with_value(("empty", "b"), 1, "--set empty.b=1")
    assert filled.data["empty"] == {"b": 1}


def test_an_override_through_a_shared_value_changes_one_place():
    document = parse_yaml("a: &x {b: 1}\nc: *x\n")
    assert document.with_value(("c", "b"), 2, "--set").data == {"a": {"b": 1}, "c": {"b": 2}}


def test_problems_below_an_override_name_it():
    document = parse_yaml("name: x\nshare: 0.5\nlinks: []\n", "f.yaml")
    document = document.with_value(("share",), 7, "--set share=7")
    document = document.with_value(("links",), [{"id": "a"}], "--set links=[{id: a}]")
    assert [str(problem) for problem in check(Plan, document)[1]] == [
        "--set links=[{id: a}]: links[0].capacity_gbps: required key is missing;"
        " expected a number above 0",
        "--set share=7: share: expected a number from 0 to 1, found 7",
    ]
    assert document.problem(("name",), "is odd").line == 1


def test_the_last_override_wins():
    document = parse_yaml("a: {b: 1}").with_value(("a", "b"), 2, "first")
    document = document.with_value(("a",), {"b": 3}, "second")
    assert document.data == {"a": {"b": 3}}
    assert document.problem(("a", "b"), "is odd").file == "second"
    document = document.with_value(("a", "b"), 4, "third")
    assert document.problem(("a", "b"), "is odd").file == "third"
    assert document.problem(("a",), "is odd").file == "second"


@pytest.mark.parametrize(
    ("path", "letter"),
    [
        (("a", "b"), "--set: a.b: a is 1, so it has no keys to set"),
        (("l", 5), "--set: l[5]: l has 2 items, counted from 0; no 5"),
        (("l", "x"), "--set: l.x: l has 2 items, counted from 0; no 'x'"),
    ],
)
def test_an_override_with_no_place_is_refused(path, letter):
    with pytest.raises(InputError) as caught:
        parse_yaml("a: 1\nl: [1, 2]").with_value(path, 1, "--set")
    assert str(caught.value) == letter


# ---------------------------------------------------------------- plain data and JSON Schema


def test_plain_data_comes_back():
    plan = Plan(name="x", links=[Link(id="a", capacity_gbps=2)], limits={"b": 1}, colour="blue")
    plain = to_plain(plan)
    assert json.loads(json.dumps(plain)) == plain
    assert plain["links"] == [{"id": "a", "capacity_gbps": 2.0, "mode": "fibre"}]
    assert plain["colour"] == "blue"
    assert build(Plan, Document.of(plain)) == plan


def test_plain_data_of_sets_is_sorted_and_strangers_are_refused():
    assert to_plain({"a": {2, 1}}) == {"a": [1, 2]}
    with pytest.raises(TypeError, match="no plain form for a complex"):
        to_plain(1j)


def test_json_schema_is_for_editors():
    described = json_schema(Plan, "A plan")
    assert described["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert described["title"] == "A plan"
    assert described["description"] == "What to build."
    assert described["additionalProperties"] is False
    assert described["required"] == ["name"]
    properties = described["properties"]
    assert properties["links"]["description"] == "The links to build."
    assert properties["share"]["description"] == properties["rest"]["description"] == "Some part."
    assert properties["limits"]["description"] == "by name"
    assert "title" not in properties["share"]
    assert described["$defs"]["Link"]["additionalProperties"] is False


def test_json_schema_agrees_with_the_check():
    jsonschema = pytest.importorskip("jsonschema")
    described = json_schema(Plan, "A plan")
    jsonschema.Draft202012Validator.check_schema(described)
    validator = jsonschema.Draft202012Validator(described)
    assert validator.is_valid(to_plain(Plan(name="x")))
    assert not validator.is_valid({"name": "x", "nmae": 1})
