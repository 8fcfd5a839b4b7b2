"""The README's blocks: Python is executed, ten-line promises are counted, tables are the tool's."""

import re
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "README.md").read_text()
PYTHON = re.findall(r"```python\n(.*?)```", TEXT, re.S)


@pytest.mark.parametrize("code", PYTHON, ids=range(len(PYTHON)))
def test_a_python_block_runs(code, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    # The swap's two lines stand in a training loop of the reader's.
    exec(compile(code, "README.md", "exec"), {"__name__": "readme", "model": torch.nn.Linear(2, 2)})


def test_the_first_block_is_the_swap_of_two_lines():
    lines = [line for line in PYTHON[0].splitlines() if line]
    assert TEXT.index(PYTHON[0]) == min(TEXT.index(block) for block in re.findall(r"```[a-z]+\n(.*?)```", TEXT, re.S))
    assert len(lines) == 2
    assert all("was:" in line and "AdamW" in line for line in lines)


def test_the_swap_keeps_the_rate_and_has_no_decay_to_keep():
    """SISA's ridge is no decoupled decay: there is no number that does the same."""
    after, before = PYTHON[0].strip().splitlines()[-1].split("# was:")
    rate, old_rate = [float(re.findall(r"lr=([\d.e-]+)", half)[0]) for half in (after, before)]
    assert rate == old_rate == pytest.approx(2e-3)
    assert "weight_decay" not in after + before


@pytest.mark.parametrize("what", ["problem", "preconditioner", "claim"])
def test_a_users_own_takes_less_than_ten_lines(what):
    (block,) = [code for code in PYTHON if f"# your own {what}" in code]
    own = block.split(f"# your own {what}")[1].split("# and its use")[0]
    lines = [line for line in own.splitlines()[1:] if line.strip()]
    assert 0 < len(lines) < 10, lines
    assert "# and its use" in block


def test_every_folder_of_the_map_exists():
    section = TEXT.split("## Map")[1].split("\n## ")[0]
    names = re.findall(r"^\| `([^`]+)`", section, re.M)
    assert len(names) >= 6
    assert [name for name in names if not (ROOT / name).exists()] == []


def test_the_claims_table_is_the_tables_claims():
    from proofs_check.commands.claims_table import static_cells
    from proofs_check.formal import read_manifest, strength
    from proofs_check.table import CLAIMS

    folder, manifest = ROOT / "proofs_check", read_manifest()
    section = (folder / "README.md").read_text().split("<!-- claims:begin -->")[1].split("<!-- claims:end -->")[0]
    printed = {}
    for line in section.splitlines():
        if line.startswith("| ["):
            claim, verdict, grade, kind, provenance, _, says = (
                cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]
            )
            printed[claim] = (verdict, grade, kind, provenance, says.replace("\\|", "|"))
    wanted = {}
    for claim in CLAIMS:
        cells = static_cells(claim, strength(claim, manifest=manifest), manifest, folder)
        says = " ".join(cells["says"].split())
        wanted[cells["claim"]] = (str(claim.expected), cells["strength"], claim.kind, claim.provenance, says)
    assert printed == wanted, "pisa-lab verify --markdown proofs_check/README.md prints it"
    assert re.search(r"commit [0-9a-f]{7,}", section)


def test_the_links_of_both_readmes_lead_somewhere():
    for path in (ROOT / "README.md", ROOT / "proofs_check" / "README.md"):
        links = set(re.findall(r"\]\((?!https?:|#)([^)#\s]+)", path.read_text()))
        assert [link for link in sorted(links) if not (path.parent / link).exists()] == []


def test_the_folders_of_the_proofs_are_all_named_at_their_door():
    text = (ROOT / "proofs_check" / "README.md").read_text().split("## What is where")[1].split("## The table")[0]
    folders = {path.name for path in (ROOT / "proofs_check").iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert [name for name in sorted(folders) if f"`{name}`" not in text] == []


def test_every_claim_that_the_readme_names_exists():
    from proofs_check.table import CLAIMS

    names = {claim.name for claim in CLAIMS}
    told = set(re.findall(r"`([IVTNW]\d*-[\w-]+)`", TEXT))
    assert len(told) > 20
    assert sorted(told - names) == []


def test_the_ablation_table_is_what_the_tool_prints_from_the_kept_results():
    from pisa_lab.ablation import tables
    from pisa_lab.ablation.summary_files import read_summary
    from problems.studies import kept_results

    section = TEXT.split("<!-- ablation:begin -->")[1].split("<!-- ablation:end -->")[0]
    assert section.strip() == tables.markdown(read_summary(kept_results("preconditioners"))).strip()


@pytest.mark.parametrize(
    "mark", ["calibration", "bench-replicates", "bench-step", "bench-torch", "deep-vision", "deep-language"]
)
def test_a_table_of_figures_says_when_and_where_it_was_printed(mark):
    section = TEXT.split(f"<!-- {mark}:begin -->")[1].split(f"<!-- {mark}:end -->")[0]
    assert section.count("\n| ") >= 2
    assert re.search(r"commit [0-9a-f]{7,}\+?, \d{4}-\d\d-\d\d, \S+, \d+ cores", section)


@pytest.mark.parametrize("family", ["vision", "language"])
def test_a_deep_table_is_what_the_tool_prints_from_the_kept_rows(family, tmp_path):
    from pisa_lab.cli import main

    printed = tmp_path / "printed.md"
    rows = ROOT / "problems" / "studies" / "results" / f"deep-{family}.json.gz"
    assert main(["train", family, "--from", str(rows), "--markdown", str(printed), "--no-plot"]) == 0
    section = TEXT.split(f"<!-- deep-{family}:begin -->")[1].split(f"<!-- deep-{family}:end -->")[0]
    kept, found = (
        [line for line in text.splitlines() if line.startswith("|")] for text in (section, printed.read_text())
    )
    assert kept == found
    assert len(found) >= 2 + 7
