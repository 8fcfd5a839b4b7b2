"""What ``pisa-lab bench replicates`` measures on; the rest of that command needs the library alone."""

from pisa_lab.problem import Problem
from problems.commands.configuration import named
from problems.datasets import load
from problems.linear import logistic
from problems.transforms import on_backend


def logistic_problem(data: str, dtype: str) -> Problem:
    """Return the logistic problem of one client on the training rows of ``data``, in NumPy's ``dtype``.

    Raises:
        ValueError: ``data`` is no binary data set or file.
    """
    with named(dict.fromkeys(("name", "path", "X", "y"), "--data")):
        found = load(data, wanted="binary")
    if found.task != "binary":
        raise ValueError(f"--data: {data!r} is {found.task}; replicates run logistic regression, on a binary set")
    problem = logistic(found.train_x, found.train_y)
    return problem if dtype == "float64" else on_backend(problem, "numpy", dtype=dtype)
