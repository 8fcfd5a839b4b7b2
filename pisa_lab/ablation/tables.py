"""Tables of a summary: rows for CSV and JSON, and the table of all problems in Markdown and LaTeX."""

import csv
import io
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pisa_lab.ablation.comparison import ABSENT, BETTER, FAILS, WORSE, Judgement, Rank, judgements, ranking, winners
from pisa_lab.ablation.study import FULL
from pisa_lab.ablation.summary import JOINED, Cell, Summary
from pisa_lab.ledger import COSTS

_OUTCOMES = {"gap": "objective above its optimum", "test_loss": "loss on the test rows", "objective": "objective"}


def rows(summary: Summary) -> list[dict[str, Any]]:
    """Return one flat row for each problem and method, with the stamp of the rows it is made from."""
    judged, best = judgements(summary), winners(summary, judgements(summary))
    ranks = {rank.method: rank for rank in ranking(summary)}
    return [
        _row(
            summary, summary.cell(problem["name"], method), problem, judged[problem["name"], method], ranks.get(method)
        )
        | {"among_best": method in best[problem["name"]]}
        | _stamp(summary, summary.cell(problem["name"], method))
        for problem in summary.problems
        for method in summary.methods
    ]


def _stamp(summary: Summary, cell: Cell) -> dict[str, str]:
    """Return the stamp of the cell's rows: every commit that made one."""
    return {**summary.stamp, **({"commit": JOINED.join(cell.commits)} if cell.commits else {})}


def commits(summary: Summary) -> str:
    """Return the commits that made the rows, with how many each made where they are several."""
    counts: Counter[str] = Counter()
    for cell in summary.cells:
        counts.update(cell.commits)
    if len(counts) < 2:
        return f"commit {summary.stamp['commit'] or 'unknown'}"
    return "commits " + " and ".join(f"{name or 'unknown'} ({count} trials)" for name, count in counts.items())


def _row(
    summary: Summary, cell: Cell, problem: Mapping[str, str], judged: Judgement, rank: Rank | None
) -> dict[str, Any]:
    score = [value for value in cell.finals.get(problem["score"], ()) if value is not None]
    return {
        "study": summary.study,
        "variant": summary.variant,
        "problem": cell.problem,
        "method": cell.method,
        "endings": ", ".join(f"{count} {name}" for name, count in cell.endings.items()),
        "reason": cell.reason,
        "penalty": cell.penalty,
        "rho": cell.rho,
        "edges": ", ".join(cell.edges),
        "outcome": problem["outcome"],
        "median": judged.median,
        "ratio": judged.ratio,
        "low": judged.low,
        "high": judged.high,
        "p_holm": judged.adjusted,
        "improvement": judged.improvement,
        "verdict": judged.verdict,
        "score": problem["score"],
        "score_mean": float(np.mean(score)) if score else math.nan,
        "mean_rank": math.nan if rank is None else rank.mean,
        **{name: cell.counts.get(name) for name in COSTS},
        "seconds": cell.seconds,
    }


def csv_text(table: Sequence[Mapping[str, Any]]) -> str:
    """Return ``table`` as comma-separated values; what is not a number is empty."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, list(table[0]) if table else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _plain(value) for name, value in row.items()} for row in table)
    return stream.getvalue()


def _plain(value: Any) -> Any:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return ""
    return f"{value:.6g}" if isinstance(value, float) else value


def markdown(summary: Summary) -> str:
    """Return the table of all problems, methods in the order of their mean rank, with what its marks mean."""
    head, lines = grid(summary)
    body = [head, ["---", *["---:"] * (len(head) - 1)], *([_marked(cell, "**") for cell in line] for line in lines)]
    text = "\n".join("| " + " | ".join(line) + " |" for line in body)
    return f"{text}\n\n{legend(summary)}\n"


def latex(summary: Summary) -> str:
    """Return the same table for LaTeX's booktabs."""
    head, lines = grid(summary)
    body = [r"\begin{tabular}{l" + "r" * (len(head) - 1) + "}", r"\toprule", _latex_line(head), r"\midrule"]
    body += [*map(_latex_line, lines), r"\bottomrule", r"\end{tabular}"]
    return "\n".join(body) + "\n"


def counted(number: int, noun: str) -> str:
    """Return ``number`` with ``noun`` in its number."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def legend(summary: Summary, *, better: str = "bold", worse: str = "italic") -> str:
    """Return the sentence that a reader of the table needs."""
    outcomes = ", ".join(
        f"{_OUTCOMES.get(name, name)} ({'; '.join(row['title'] for row in summary.problems if row['outcome'] == name)})"
        for name in dict.fromkeys(row["outcome"] for row in summary.problems)
    )
    variant = "" if summary.variant == FULL else f"Variant {summary.variant}. "
    unit = {"gradients": "gradients of every client", "rounds": "rounds", "bytes": "bytes"}[summary.budget["unit"]]
    return (
        f"Outcomes: {outcomes}. "
        f"Each cell is the outcome over that of `{summary.reference}` at {summary.budget['amount']} {unit} (geometric "
        f"mean of {counted(summary.seeds, 'seed')}, paired) with its 95 % interval; below 1 is better. "
        f"{better}: better, {worse}: worse, at the 5 % level after Holm's correction within the column; "
        "† among the best of the column. Rank: 0 best, 1 worst, mean over the problems that a method applies to, with "
        "its 95 % interval over seeds. Every "
        f"method was tuned over {summary.tuning['settings']} settings on "
        f"{counted(summary.tuning['seeds'], 'validation instance')}; test rows were seen by the chosen setting alone. "
        f"{variant}pisa-lab {summary.stamp['version']}, {commits(summary)}."
    )


def grid(summary: Summary) -> tuple[list[str], list[list[str]]]:
    """Return head and lines; the first character of a cell is its mark: + better, − worse, a space for neither."""
    judged = judgements(summary)
    best = winners(summary, judged)
    head = ["method", "rank", *(problem["title"] for problem in summary.problems)]
    lines = []
    for rank in ranking(summary):
        cells = [_cell(summary, judged[problem["name"], rank.method], best) for problem in summary.problems]
        interval = "" if math.isnan(rank.low) else f" [{rank.low:.2f}, {rank.high:.2f}]"
        lines.append([f" {rank.method}", f" {rank.mean:.2f}{interval}", *cells])
    return head, lines


def _cell(summary: Summary, judged: Judgement, best: Mapping[str, list[str]]) -> str:
    if judged.verdict == ABSENT:
        return " —"
    if judged.verdict == FAILS:
        endings = summary.cell(judged.problem, judged.method).endings
        bad, total = sum(count for name, count in endings.items() if name != "FINISHED"), sum(endings.values())
        return f" {bad}/{total} diverge"
    star = "†" if judged.method in best[judged.problem] else ""
    if math.isnan(judged.ratio):
        return f" {short(judged.median)}{star}"
    if judged.method == summary.reference:
        return f" 1 ({short(judged.median)}){star}"
    mark = {BETTER: "+", WORSE: "−"}.get(judged.verdict, " ")
    return f"{mark}{short(judged.ratio)} [{short(judged.low)}, {short(judged.high)}]{star}"


def short(value: float) -> str:
    """Return ``value`` to two decimals, to three near 1, and to two digits where it is far from 1."""
    if abs(value - 1) < 0.05:
        return f"{value:.3f}"
    if 0.095 < value < 99.5:
        return f"{value:.2f}"
    rounded = float(f"{value:.2g}")
    return f"{rounded:,.0f}" if 1 < rounded < 1e6 else f"{rounded:.2g}"


def unmarked(cell: str) -> str:
    """Return a cell of `grid` for a terminal: its mark behind it, in words a screen can show."""
    return cell[1:] + {"+": " *", "−": " -"}.get(cell[0], "")


def _marked(cell: str, strong: str) -> str:
    text = cell[1:]
    return f"{strong}{text}{strong}" if cell[0] == "+" else f"*{text}*" if cell[0] == "−" else text


def _latex_line(cells: Sequence[str]) -> str:
    return " & ".join(_latex_cell(cell) for cell in cells) + r" \\"


def _latex_cell(cell: str) -> str:
    text = cell.strip("+− ")
    for old, new in (("%", r"\%"), ("_", r"\_"), ("†", r"\textsuperscript{\dag}"), ("κ", r"$\kappa$"), ("—", "--")):
        text = text.replace(old, new)
    command = {"+": r"\textbf", "−": r"\emph"}.get(cell[0])
    return f"{command}{{{text}}}" if command else text
