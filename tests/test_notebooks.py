"""Every notebook runs from its first cell to its last, which asserts its conclusion, without a display."""

from pathlib import Path

import pytest

NOTEBOOKS = sorted((Path(__file__).resolve().parents[1] / "notebooks").glob("*.ipynb"))
LONG = ("01_what_pisa_does", "03_rates", "04_ablation", "05_deep_models")


@pytest.mark.parametrize(
    "path",
    [pytest.param(path, marks=[pytest.mark.slow] * (path.stem in LONG)) for path in NOTEBOOKS],
    ids=lambda path: path.stem,
)
# The kernel's own start-up speaks of its sockets and event loop; the notebook's code runs in another process.
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::RuntimeWarning", "ignore::ResourceWarning")
def test_a_notebook_runs_and_asserts_its_conclusion(path):
    import nbclient
    import nbformat

    notebook = nbformat.read(path, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert len(notebook.cells) <= 25
    assert "assert" in code[-1].source
    client = nbclient.NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(path.parent)}})
    client.execute()
    assert all(cell.execution_count for cell in code)


def test_there_is_a_notebook():
    assert [path.stem for path in NOTEBOOKS][:1] == ["01_what_pisa_does"]
