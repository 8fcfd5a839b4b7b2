"""What the wheel holds and needs: pisa_lab alone, NumPy and array-api-compat alone."""

import ast
import os
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from pisa_lab.cli import COMMANDS

ROOT = Path(__file__).resolve().parents[1]
CORE = ("_array", "updates", "state", "problem", "method", "measures", "loop", "residuals")


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """A folder with the wheel's content and the two packages it needs, and nothing else."""
    import array_api_compat
    import numpy

    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    done = subprocess.run(build, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    site = folder / "site"
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    for package in (numpy, array_api_compat):
        source = Path(package.__file__).parent
        (site / source.name).symlink_to(source)
        libraries = source.with_name(source.name + ".libs")
        if libraries.exists():
            (site / libraries.name).symlink_to(libraries)
    return site


def python(site: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a bare interpreter that sees ``site`` and the standard library only."""
    environment = {**os.environ, "PYTHONPATH": str(site)}
    return subprocess.run(
        [sys.executable, "-S", *arguments], env=environment, cwd=site, capture_output=True, text=True, timeout=120
    )


def test_the_wheel_holds_the_library_only(installed):
    top = {path.name for path in installed.iterdir()} - {"numpy", "numpy.libs", "array_api_compat"}
    assert {name for name in top if not name.endswith(".dist-info")} == {"pisa_lab"}
    assert (installed / "pisa_lab" / "py.typed").exists()
    metadata = next(installed.glob("*.dist-info")).joinpath("METADATA").read_text()
    needed = [line for line in metadata.splitlines() if line.startswith("Requires-Dist") and "extra ==" not in line]
    assert len(needed) == 2


def test_the_wheel_runs_with_numpy_alone(installed):
    code = (
        "import sys, numpy as np, pisa_lab as p\n"
        "problem = p.from_functions([(lambda w: float(w @ w), lambda w: 2 * w)] * 2, np.ones(3))\n"
        "print(p.run(p.sisa(8.0), problem, steps=200).last('stationarity') < 1e-6)\n"
        "heavy = {'torch', 'cupy', 'scipy', 'sympy', 'rich', 'typer', 'matplotlib', 'problems'} & set(sys.modules)\n"
        "print(sorted(heavy))"
    )
    done = python(installed, "-c", code)
    assert done.stdout.split("\n")[:2] == ["True", "[]"], done.stderr


@pytest.mark.parametrize("row", COMMANDS, ids=lambda row: row.name)
def test_a_command_without_its_extra_or_the_checkout_says_so_in_one_line(installed, row):
    done = python(installed, "-m", "pisa_lab.cli", row.name)
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1
    where = "pip install -e '.[lab]'" if row.package == "pisa_lab.cli" else "clone the repository for "
    assert where in done.stderr


@pytest.mark.parametrize(("package", "table"), [("problems", "PROBLEMS"), ("proofs_check", "CLAIMS")])
def test_a_table_is_importable_from_its_package_and_costs_nothing_before(package, table):
    code = (
        f"import sys, {package}\n"
        f"print('{package}.table' in sys.modules)\n"
        f"from {package} import {table}\n"
        f"print({table} is sys.modules['{package}.table'].{table}, len({table}) > 10, hasattr({package}, 'NOTHING'))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.split() == ["False", "True", "True", "False"], done.stderr


@pytest.mark.parametrize("module", ["pisa_lab", "pisa_lab.cli"])
def test_importing_the_library_loads_nothing_heavy(module):
    heavy = {"torch", "cupy", "scipy", "sympy", "rich", "typer", "pandas", "matplotlib", "numba"}
    code = f"import sys, {module}; print(sorted({heavy!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.strip() == "[]", done.stderr


def test_extras_and_constraints_are_what_the_readme_says():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert {"lab", "torch", "cupy", "certify", "fast", "notebooks", "test"} <= set(project["optional-dependencies"])
    assert project["optional-dependencies"]["torch"] == ["torch>=2.9,<3"]
    assert "torch==" in (ROOT / ".ci" / "constraints.txt").read_text()
    assert not (ROOT / "uv.lock").exists()


def code_lines(path: Path) -> int:
    """Return the lines that are neither blank, comment nor docstring."""
    text = path.read_text()
    strings = [
        node
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    ]
    skipped = {line for node in strings for line in range(node.lineno, node.end_lineno + 1)}
    return sum(
        1
        for number, line in enumerate(text.splitlines(), 1)
        if line.strip() and not line.strip().startswith("#") and number not in skipped
    )


def test_the_core_stays_small():
    assert sum(code_lines(ROOT / "pisa_lab" / f"{name}.py") for name in CORE) < 800


def test_no_module_passes_300_lines_and_no_function_40():
    long = []
    for folder in ("pisa_lab", "problems", "proofs_check"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            text = path.read_text()
            if len(text.splitlines()) > 300:
                long.append(f"{path.name}: {len(text.splitlines())} lines")
            for node in ast.walk(ast.parse(text)):
                if isinstance(node, ast.FunctionDef):
                    body = node.body[1:] if ast.get_docstring(node) else node.body
                    if body and node.end_lineno - body[0].lineno + 1 > 40:
                        long.append(f"{path.name}: {node.name}")
    assert long == []
