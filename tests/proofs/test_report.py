"""The claims page and the figures: complete, self-contained, well formed, and drawn from rows alone."""

import html.parser
import math
import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from pisa_lab.plotting import SERIES, as_svg, evidence_figure, over_seeds, run_figure
from pisa_lab.report import claims_page
from pisa_lab.report.claims_page import VERDICTS, number
from pisa_lab.report.formulas import formula_svg
from pisa_lab.report.typeset import typeset

STAMP = {"version": "1.2.3", "commit": "abc", "machine": "x86", "python": "3.11", "libraries": "numpy 2"}
FIGURE = {
    "title": "What is kept",
    "x_label": "round",
    "y_label": "share",
    "log": "y",
    "curves": [
        {"label": "γ = .75", "x": [0, 1, 2], "y": [1.0, 0.7, 0.62]},
        {"label": "γ = .9", "x": [0, 1, 2], "y": [1.0, None, 0.3], "low": [0.9, None, 0.2], "high": [1.1, None, 0.4]},
    ],
}
THEOREM = {
    "name": "Algorithm.move",
    "file": "coq/Algorithm.v",
    "line": 27,
    "statement": "move : forall x <= y,\n  x ‖²",
    "axioms": ["sig_not_dec"],
    "link": "../coq/Algorithm.v#L27",
}
VOID = {"meta", "link", "input", "br", "img", "hr", "path", "use"}


def row(name="V2-limit", verdict="REFUTED", **fields):
    return {
        "name": name,
        "statement": "The limit is stationary.",
        "latex": r"\gamma < 1 \Rightarrow \frac{a}{b} \to 0",
        "hypotheses": ["fixed γ < 1"],
        "kind": "measured",
        "provenance": "reconstructed",
        "strength": "measured",
        "group": "What is claimed",
        "place": "V2",
        "link": "../MATHEMATICS.md#V2",
        "theorems": [],
        "source": "MATHEMATICS.md#V2",
        "expected": verdict,
        "verdict": verdict,
        "margin": -0.62541,
        "seconds": 0.5,
        "seed": 3,
        "effort": "quick",
        "detail": "It keeps .6254 of the first gradient.",
        "numbers": {"share": 0.6254, "trials": 4, "all": [1.0, 2e-9], "missing": None},
        "steps": ["first step", "second step"],
        "figure": FIGURE,
        "instance": {"gamma": 0.75},
        "witness": ".pisa_lab/witnesses/V2-limit.json",
        **fields,
    }


class Outline(html.parser.HTMLParser):
    """Collects ids, links and text, and checks that every tag is closed where it should be."""

    def __init__(self, page):
        super().__init__()
        self.open, self.ids, self.links, self.words = [], [], [], []
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        self.ids += [values["id"]] if "id" in values else []
        self.links += [values[name] for name in ("href", "src", "xlink:href") if name in values]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open and "script" not in self.open:
            self.words.append(data)


@pytest.fixture(scope="module")
def page():
    rows = [
        row(),
        row(
            "I1-identity",
            "PROVED",
            kind="symbolic",
            provenance="ours",
            figure=None,
            instance=None,
            margin=None,
            strength="kernel",
            group="Identities",
            place="I1",
            link="../MATHEMATICS.md#I1",
            theorems=[THEOREM],
        ),
    ]
    return claims_page([*rows, row("C1-quoted", "SUPPORTED", provenance="quoted", expected="PROVED")], STAMP)


def test_the_page_shows_everything_of_every_claim(page):
    words = " ".join(Outline(page).words)
    for text in (
        "V2-limit", "I1-identity", "The limit is stationary.", "fixed γ < 1", "It keeps .6254", "−0.6254",
        "MATHEMATICS.md#V2",
        "share", "first step", "second step", '"gamma": 0.75', "pisa-lab replay .pisa_lab/witnesses/V2-limit.json",
        "1 verdict not as expected", "proved — not met", "version", "1.2.3", "numpy 2", "seed 3",
        "move : forall x <= y, x ‖²", "Coq: Algorithm.move", "coq/Algorithm.v, line 27", "kernel", "measured",
    ):  # fmt: skip
        assert text in re.sub(r"\s+", " ", words), text


def test_the_page_needs_nothing_from_outside(page):
    outline = Outline(page)
    assert len(outline.ids) == len(set(outline.ids))
    places = [link for link in outline.links if not link.startswith("#")]
    assert set(places) == {"../MATHEMATICS.md#V2", "../MATHEMATICS.md#I1", "../coq/Algorithm.v#L27"}
    assert {link[1:] for link in outline.links if link.startswith("#")} <= set(outline.ids)
    assert "@import" not in page
    assert re.findall(r"url\((?!#)", page) == []


def test_the_map_leads_to_every_claim_and_marks_the_unexpected_one(page):
    tiles = re.findall(r'<a class="tile ([^"]+)" href="#([^"]+)"', page)
    assert [anchor for _, anchor in tiles] == ["claim-V2-limit", "claim-C1-quoted", "claim-I1-identity"]
    assert ["unexpected" in classes for classes, _ in tiles] == [False, True, False]


def test_the_map_has_a_block_for_each_group_and_its_lines_in_the_order_of_their_numbers():
    rows = [row(f"{place}-x", place=place, group="Theorems") for place in ("T12", "T2", "", "T1")]
    page = claims_page([*rows, row("V1-x", place="V1", group="Claimed")], STAMP)
    section = page.split('id="map-title"')[1].split("</section>")[0]
    assert re.findall(r"<h3>(.*?)</h3>", section) == ["Theorems", "Claimed"]
    assert re.findall(r"<dt>(.*?)</dt>", section) == ["T1", "T2", "T12", "—", "V1"]


@pytest.mark.parametrize(
    ("kind", "verdict", "title"),
    [
        ("symbolic", "REFUTED", "What refutes it"),
        ("measured", "REFUTED", "The refuted statement in a formula"),
        ("measured", "SUPPORTED", None),
    ],
)
def test_the_formula_of_a_refuted_claim_says_what_it_is(kind, verdict, title):
    words = Outline(claims_page([row(kind=kind, verdict=verdict)], STAMP)).words
    titles = {"What refutes it", "The refuted statement in a formula"}
    assert titles & set(words) == ({title} if title else set())


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("0 <= Q_i <= eta I", "0 ⪯ Q<sub>i</sub> ⪯ η I"),
        ("0 <= Q_i^l <= eta I, free", "0 ⪯ Q<sub>i</sub><sup>l</sup> ⪯ η I, free"),
        ("0 < M <= I", "0 ≺ M ⪯ I"),
        ("lambda >= 0, gamma < 1", "λ ≥ 0, γ &lt; 1"),
        ("sigma^0 = sum alpha_i sigma_i^0", "σ<sup>0</sup> = sum α<sub>i</sub> σ<sub>i</sub><sup>0</sup>"),
        ("0 ⪯ ρ_iQ_i ⪯ βσ_iI", "0 ⪯ ρ<sub>i</sub>Q<sub>i</sub> ⪯ βσ<sub>i</sub>I"),
        ("V_{k+1} ≤ V_k", "V<sub>k+1</sub> ≤ V<sub>k</sub>"),
        ("κ_0γ^{-k}", "κ<sub>0</sub>γ<sup>−k</sup>"),
        ("B(1+β)^{3/2}", "B(1+β)<sup>3/2</sup>"),
        ("F_λ(w_init) and min_{k≤N}", "F<sub>λ</sub>(w<sub>init</sub>) and min<sub>k≤N</sub>"),
        ("W-geometric-after_solve, a < b & c", "W-geometric-after_solve, a &lt; b &amp; c"),
        ("the rhombus of a lambdar", "the rhombus of a lambdar"),
    ],
)
def test_what_ascii_spells_is_set_as_mathematics(text, shown):
    assert typeset(text) == shown


def test_markup_in_a_claim_is_text_on_the_page():
    page = claims_page([row(statement="<script>alert(1)</script>", detail="a < b & c", latex=r"a < b")], STAMP)
    assert "<script>alert" not in page
    assert "a &lt; b &amp; c" in page
    Outline(page)


def test_a_page_without_claims_stands():
    assert "0 claims checked" in re.sub(r"\s+", " ", claims_page([], STAMP))


def test_a_formula_that_mathtext_cannot_read_is_shown_as_it_is():
    assert formula_svg(r"\undefinedcommand{x}") is None
    assert r"<code>\undefinedcommand{x}</code>" in claims_page([row(latex=r"\undefinedcommand{x}")], STAMP)


def test_every_svg_is_xml_with_ids_of_its_own():
    first, second = (as_svg(evidence_figure(FIGURE), prefix, 'a "figure" < b') for prefix in ("f1", "f2"))
    ids = [set(re.findall(r'\bid="([^"]+)"', svg)) for svg in (first, second)]
    assert ids[0]
    assert not ids[0] & ids[1]
    root = ElementTree.fromstring(first)
    assert root.get("role") == "img"
    assert root.get("aria-label") == 'a "figure" < b'
    assert f"var(--series-1, {SERIES[0]})" in first


def test_figures_are_the_same_twice():
    assert as_svg(evidence_figure(FIGURE), "f", "") == as_svg(evidence_figure(FIGURE), "f", "")


def test_verdicts_differ_by_more_than_colour():
    assert len({glyph for glyph, _ in VERDICTS.values()}) == len(VERDICTS)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_colours_of_the_page_can_be_read(theme):
    from importlib.resources import files

    style = files("pisa_lab.report").joinpath("style.css").read_text()
    block = re.findall(r":root \{(.*?)\n\s*\}", style, flags=re.DOTALL)[("light", "dark").index(theme)]
    colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block))
    for name in ("ink", "soft", "link", "alarm"):
        assert contrast(colours[name], colours["card"]) >= 4.5, name
        assert contrast(colours[name], colours["paper"]) >= 4.5, name
    for verdict in VERDICTS:
        assert contrast(colours[verdict.lower()], colours[f"{verdict.lower()}-bg"]) >= 4.5, verdict
    for place in range(1, len(SERIES) + 1):
        # WCAG asks 3 of graphics.
        assert contrast(colours[f"series-{place}"], colours["card"]) >= 3, place


def contrast(one, other):
    def luminance(colour):
        channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, "—"), (0.62541, "0.6254"), (-3, "−3"), (2e-9, "2·10⁻⁹"), (1.5e12, "1.5·10¹²"), ("x", "x"), (True, "True")],
)
def test_numbers_are_set_for_a_reader(value, shown):
    assert number(value) == shown


# --- the curves of a run


def run_rows(seeds=3, stop=None):
    return [
        {"iteration": k, "seed": seed, "objective": math.exp(-k) + seed, "stationarity": math.exp(-k), "local": 0.1,
         "consensus": float("nan"), "aggregate": None}
        for seed in range(seeds) for k in range(0, 10 if seed or stop is None else stop, 2)
    ]  # fmt: skip


def test_a_curve_over_seeds_is_the_median_with_the_range_as_band():
    curve = over_seeds(run_rows(), "objective", "")
    assert curve.x.tolist() == [0, 2, 4, 6, 8]
    np.testing.assert_array_equal(curve.y, np.exp(-curve.x) + 1)
    np.testing.assert_array_equal([curve.low, curve.high], [np.exp(-curve.x), np.exp(-curve.x) + 2])
    assert over_seeds(run_rows(seeds=1), "objective", "").low is None


def test_a_seed_that_stopped_early_leaves_the_others_to_the_curve():
    curve = over_seeds(run_rows(seeds=2, stop=5), "objective", "")
    assert curve.y[-1] == math.exp(-8) + 1
    assert curve.low[0] == 1


def test_a_run_figure_draws_what_is_defined_and_says_what_is_not():
    figure = run_figure(run_rows(), title="a run", optimum=-1.0)
    objective, stationarity, residuals = figure.axes
    assert "above its optimum" in objective.get_title(loc="left")
    assert stationarity.get_yscale() == "log"
    assert [line.get_label() for line in residuals.lines] == ["local"]
    assert len(objective.collections) == 1
    nothing = run_figure([{**row, "local": None} for row in run_rows(seeds=1)]).axes[2]
    assert "not defined" in nothing.texts[0].get_text()


def test_labels_at_the_ends_of_curves_do_not_overlap():
    curves = [{"label": str(n), "x": [0, 1], "y": [1, 1 + n * 1e-9]} for n in range(5)]
    axes = evidence_figure({"title": "", "x_label": "", "y_label": "", "log": "", "curves": curves}).axes[0]
    heights = sorted(text.get_position()[1] for text in axes.texts)
    assert len(heights) == 5
    assert min(np.diff(heights)) > 0.07
    assert heights[0] > -0.1
    assert heights[-1] < 1.1


def test_a_log_axis_leaves_out_what_is_not_positive():
    axes = evidence_figure({"log": "y", "curves": [{"label": "a", "x": [0, 1, 2], "y": [1, 0, -1]}]}).axes[0]
    assert np.isnan(axes.lines[0].get_ydata()[1:]).all()
    flat = evidence_figure({"log": "y", "curves": [{"label": "a", "x": [0, 1], "y": [0, -1]}]}).axes[0]
    assert flat.get_yscale() == "linear"


def test_a_gap_below_rounding_lies_on_a_marked_floor_of_a_log_axis():
    from pisa_lab.plotting import run_figure

    rows = [
        {"iteration": k, "seed": seed, "objective": seed - 3.0 + max(10.0**-k, 0.0) - (k > 8) * 1e-16}
        | dict.fromkeys(("stationarity", "local", "consensus", "aggregate"), 10.0**-k)
        for k in range(30)
        for seed in (0, 1)
    ]
    figure = run_figure(rows, title="two seeds", optimum={0: -3.0, 1: -2.0})
    axes = figure.axes[0]
    assert axes.get_yscale() == "log"
    assert axes.lines[0].get_ydata()[-1] == pytest.approx(3 * 2.0**-52)
    assert any(text.get_text() == "rounding" for text in axes.texts)
    assert figure.get_suptitle() == "two seeds · median and range of 2 seeds"
