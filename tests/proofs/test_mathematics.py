"""MATHEMATICS.md and the claims fit: every citation has a place, every statement a claim, every list is the table's."""

import dataclasses
import json
import math
import re
from fractions import Fraction
from pathlib import Path

import pytest

from proofs_check import mathematics
from proofs_check.claim import Claim, Evidence, Verdict
from proofs_check.mathematics import cited_anchors, group_of, list_claims, place_of, read_sections
from proofs_check.table import CLAIMS, by_name

ROOT = Path(__file__).resolve().parents[2]
TEXT = mathematics.PATH.read_text(encoding="utf-8")
SECTIONS = read_sections()
READ = [
    path
    for pattern in ("*.py", "*.md", "*.ipynb", "*.v", "*.toml")
    for folder in ("pisa_lab", "problems", "proofs_check", "notebooks", "tests", ".")
    for path in (ROOT.glob(pattern) if folder == "." else (ROOT / folder).rglob(pattern))
]
OPEN: set[str] = set()
"""Statements about methods that the library does not have: open, no claim yet."""
PROSE = re.sub(r"```.*?```", "", TEXT, flags=re.DOTALL)


def test_every_citation_in_the_repository_is_an_anchor():
    found = {
        (path.relative_to(ROOT).as_posix(), anchor)
        for path in READ
        if path != Path(__file__)
        for anchor in cited_anchors(path.read_text(encoding="utf-8"))
    }
    assert {anchor for _, anchor in found} > {"I1", "V2", "T6", "algorithm"}
    assert [one for one in sorted(found) if one[1] not in SECTIONS] == []


def test_nothing_refers_to_notes_that_are_not_in_the_repository():
    outside = re.compile(r"\bMATH\.md|\bTHEOREMS\w*\.md|MATHEMATICS\.md,?\s+(section|and #)|\bissue \d")
    read = {path: path.read_text(encoding="utf-8") for path in READ if path != Path(__file__)}
    assert [path.name for path, text in read.items() if outside.search(text)] == []


def test_every_statement_has_a_claim_or_is_named_as_open():
    cited = {anchor for claim in CLAIMS for anchor in cited_anchors(claim.source)}
    assert {name for name, section in SECTIONS.items() if section.is_statement and name not in cited} == OPEN


def test_every_claim_has_a_place_and_cites_the_statement_of_its_name():
    for claim in CLAIMS:
        anchors = cited_anchors(claim.source)
        assert anchors, claim.name
        numbered = re.match(r"[ITN]\d+(?=-)", claim.name)
        if numbered:
            assert numbered.group() in anchors, claim.name
        if claim.name.startswith("W-"):
            assert any(SECTIONS[anchor].is_statement for anchor in anchors), claim.name


def test_the_lists_of_claims_are_the_tables():
    assert list_claims(TEXT, CLAIMS) == TEXT, "pisa-lab claims --index proofs_check/MATHEMATICS.md writes them"


def test_every_section_of_a_statement_ends_with_its_claims():
    parts = re.split(r'^<a id="([^"]+)"></a>$', TEXT, flags=re.MULTILINE)
    for anchor, part in zip(parts[1::2], parts[2::2], strict=True):
        if SECTIONS[anchor].is_statement:
            assert part.strip().splitlines()[-1].startswith("Claims: "), anchor


def test_the_statements_are_numbered_without_a_gap():
    for letter, count in {"I": 7, "V": 9, "T": 12, "N": 9}.items():
        assert [name for name in SECTIONS if re.fullmatch(rf"{letter}\d+", name)] == [
            f"{letter}{number}" for number in range(1, count + 1)
        ]
    worst = [name for name in SECTIONS if re.fullmatch(r"W\d+", name)]
    assert worst == [f"W{number}" for number in range(1, len(worst) + 1)]


def test_every_link_of_the_file_leads_to_one_of_its_anchors():
    links = re.findall(r"\]\(#([^)]+)\)", TEXT)
    assert len(links) > 40
    assert set(links) <= set(SECTIONS)


def test_the_certified_bounds_are_those_of_the_certificates_rounded_up():
    folder = ROOT / "proofs_check" / "certified" / "certificates"
    bounds = [Fraction(json.loads(path.read_text())["bound"]) for path in folder.glob("*.json")]
    rounded = {math.ceil(bound * 10**4) for bound in bounds}
    other = {2667, 1958, 1853, 7997, 6080, 4923, 7273, 5517, 4444}
    section = TEXT.split('<a id="W3"></a>')[1].split('<a id="W8"></a>')[0]
    told = {int(whole + decimals) for whole, decimals in re.findall(r"(\d?)\.(\d{4})\b", section)}
    assert len(told & rounded) > 20
    assert sorted(told - rounded - other) == []


def test_nothing_of_the_paper_is_quoted_beyond_the_abstract():
    quoted = set(re.findall(r'"([^"$]{30,})"', PROSE))
    section = re.sub(r"\s+", " ", TEXT.split('<a id="claims"></a>')[1].split('<a id="V1"></a>')[0])
    paper = {words for words in quoted if re.sub(r"\s+", " ", words) in section}
    assert all(
        "Lipschitz continuity" in w or "removing the need" in w or "heterogeneity effectively" in w for w in paper
    )


@pytest.mark.parametrize(
    "broken",
    [
        r"\\[|{},;!%#&_ ]",  # Markdown takes the backslash of an escaped sign
        r"[^A-Za-z0-9]_",  # an underscore after a sign can open an emphasis
        r"\*",
        r"<\S",  # the beginning of a tag
        r"\\\\",
    ],
)
def test_no_formula_in_a_line_holds_what_markdown_reads_as_its_own(broken):
    for line in re.sub(r"`[^`]*`", "", PROSE).splitlines():
        assert line.count("$") % 2 == 0, line
        for formula in re.findall(r"\$([^$]*)\$", line):
            assert not re.search(broken, formula), formula


def test_every_formula_stands_apart_from_the_words_around_it():
    for line in PROSE.splitlines():
        pieces = line.split("$")
        for before, formula, after in zip(pieces[:-1:2], pieces[1::2], pieces[2::2], strict=True):
            assert formula == formula.strip() != "", line
            assert before[-1:] in ("", " ", "(", "*", "—"), line
            assert not after[:1].isalnum(), line


def test_a_table_has_the_same_number_of_cells_in_every_row():
    for block in re.findall(r"(?:^\|.*\n)+", PROSE, flags=re.MULTILINE):
        assert len({line.count("|") for line in block.splitlines()}) == 1, block


def test_every_display_is_balanced():
    displays = re.findall(r"```math\n(.*?)```", TEXT, flags=re.DOTALL)
    assert len(displays) > 30
    for display in displays:
        bare = re.sub(r"\\[{}]", "", display)
        assert bare.count("{") == bare.count("}"), display
        assert len(re.findall(r"\\begin\{", bare)) == len(re.findall(r"\\end\{", bare)), display


def test_an_anchor_twice_or_without_a_heading_is_refused(tmp_path):
    path = tmp_path / "M.md"
    path.write_text('<a id="T1"></a>\n\n## T1\n\n<a id="T1"></a>\n\n## T1\n')
    with pytest.raises(ValueError, match="'T1' stands twice"):
        read_sections(path)
    path.write_text('<a id="T1"></a>\n\nwords\n')
    with pytest.raises(ValueError, match="no heading"):
        read_sections(path)


def test_a_section_names_the_claims_that_cite_it_and_says_where_there_is_none():
    text = '<a id="T1"></a>\n\n## T1\n\nClaims: old\n\n<a id="problem"></a>\n\n## P\n\nClaims: old\n'
    claim = Claim(
        name="T1-x", statement="x", hypotheses=(), expected=Verdict.SUPPORTED, source="ours; MATHEMATICS.md#T1",
        check=lambda seed, effort: Evidence(Verdict.SUPPORTED),
    )  # fmt: skip
    listed = list_claims(text, [claim, dataclasses.replace(claim, name="T1-y")])
    assert "Claims: `T1-x`, `T1-y`\n" in listed
    assert "Claims: none, this section introduces\n" in listed
    assert "Claims: open: no claim yet\n" in list_claims(text, [])


@pytest.mark.parametrize(
    ("name", "group", "place"),
    [
        ("I2-server-increment", "I", "I2"),
        ("T12-threshold-common", "T", "T12"),
        ("N8-ridge-threshold", "N", "N8"),
        ("server-step-is-the-minimiser", "A", "algorithm"),
        ("newton-schulz-fixed-points", "A", "preconditioners"),
    ],
)
def test_a_claim_is_shown_in_the_group_and_at_the_place_of_its_name(name, group, place):
    assert (group_of(by_name(name)), place_of(by_name(name))) == (group, place)
