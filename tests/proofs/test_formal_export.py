"""Certificates become Coq theorems that say what they say, whole, in order, and nothing else."""

import copy
import json
import re

import pytest

from proofs_check.formal.export import (
    CERTIFICATES,
    coq_files,
    main,
    read_terms,
    theorem_name,
    theorem_names,
    write_coq_files,
)


def document_of(stem):
    return json.loads((CERTIFICATES / f"{stem}.json").read_text(encoding="utf-8"))


def test_every_certificate_is_a_theorem_of_the_file_that_its_name_says():
    stems, texts = sorted(path.stem for path in CERTIFICATES.glob("*.json")), coq_files()
    names = [name for stem in stems for name in theorem_names(stem)]
    found = [
        f"{file.removesuffix('.v')}.{identifier}"
        for file, text in texts.items()
        for identifier in re.findall(r"^Theorem (\w+) : ltac:\(spell \(theorem", text, re.MULTILINE)
    ]
    assert sorted(found) == sorted(names)
    assert sum(text.count("Qed.") for text in texts.values()) == len(names)
    assert theorem_name("nonconvex-kappa2-N3") == "Certificates_1.nonconvex_kappa2_N3"
    assert theorem_name("strongly-convex-two-clients-N3") == "Certificates_2.strongly_convex_two_clients_N3"
    assert theorem_name("residual-nonconvex-ridge") == "Certificates_3.residual_nonconvex_ridge"


def test_one_clients_certificates_alone_speak_of_any_number_of_clients():
    merged = ("convex-kappa2-N5", "convex-gradient-descent-N1", "convex-distance-N5", "nonconvex-ridge-warm-N4")
    alone = ("convex-rho1-three-clients-N3", "convex-fedavg-two-steps-N3", "convex-exact-admm-N3")
    for stem in (*merged, *alone, "lagrangian-convex-any-q-sigma2"):
        own, *others = theorem_names(stem)
        assert others == ([f"{own}_any_clients"] if stem in merged else [])


def test_the_numbers_of_a_theorem_are_the_certificates_in_their_order():
    for stem in (
        "nonconvex-unequal-everything-warm-N4",
        "convex-fedavg-two-steps-N3",
        "lagrangian-convex-any-q-sigma2",
    ):
        document = document_of(stem)
        rows = re.findall(r"\((\w+)((?: \d+)*), \((\d+)#(\d+)\)\)", read_terms(document).rows)
        read = {
            f"{kind.lower()}{index}": (top if bottom == "1" else f"{top}/{bottom}") for kind, index, top, bottom in rows
        }
        assert read == document["multipliers"]
    terms = read_terms(document_of("nonconvex-unequal-everything-warm-N4"))
    assert "(Splitting false true false [(0#1); (1#1)] [[(2#1); (3#1)];" in terms.problem
    assert "2 4 [(1#2); (1#2)] [(-1#2); (-3#2)] [(1#2); (3#2)] (0#1) MinGradient Value None" in terms.problem


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("bound",), "1). Admitted. (*"),
        (("bound",), 0.5),
        (("multipliers", "metric 0"), "1/0"),
        (("multipliers", "metric 0); x"), "1"),
        (("multipliers", "sector 0"), "1"),
        (("parameters", "rounds"), "3"),
        (("parameters", "rounds"), True),
        (("parameters", "warm"), "false"),
        (("parameters", "weights"), [1]),
        (("parameters", "penalties"), [["2 "]]),
    ],
)
def test_what_is_no_number_makes_no_theorem(place, value):
    document = copy.deepcopy(document_of("nonconvex-kappa2-N3"))
    target = document
    for key in place[:-1]:
        target = target[key]
    target[place[-1]] = value
    with pytest.raises(ValueError, match=r"number|row|count|flag"):
        read_terms(document)


def test_words_that_no_theorem_has_are_refused():
    for key, value in (("theorem", "prox"), ("metric", "mean"), ("initial", "gap"), ("order", "never")):
        document = document_of("nonconvex-kappa2-N3")
        document["parameters"][key] = value
        with pytest.raises(KeyError, match=value):
            read_terms(document)


def test_a_statement_cannot_end_its_comment():
    document = document_of("nonconvex-kappa2-N3")
    document["statement"] = 'w*) Axiom false : False. (* "'
    comment, theorem = read_terms(document).theorems("name").split("\nTheorem ", maxsplit=1)
    assert comment.count("(*") == comment.count("*)") == 1
    assert comment.endswith("*)")
    assert '"' not in comment
    assert theorem.startswith("name : ltac:(spell (theorem (Problem")


def test_a_name_that_coq_cannot_read_is_refused(tmp_path):
    (tmp_path / "1.json").write_text(json.dumps(document_of("nonconvex-kappa2-N3")), encoding="utf-8")
    with pytest.raises(ValueError, match="stem"):
        coq_files(tmp_path)


def test_files_are_written_where_they_differ(tmp_path, capsys):
    paths = write_coq_files(tmp_path)
    stamps = [path.stat().st_mtime_ns for path in paths]
    paths[0].write_text("stale", encoding="utf-8")
    assert main([str(tmp_path)]) == 0
    assert capsys.readouterr().out.splitlines() == [str(path) for path in paths]
    assert paths[0].read_text(encoding="utf-8") == coq_files()[paths[0].name]
    assert [path.stat().st_mtime_ns for path in paths[1:]] == stamps[1:]
    assert main([]) == 2
