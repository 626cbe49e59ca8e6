"""Mutation testing of the code that decides: ``make mutate``, or ``python -m tools.mutate MODULE …``.

Small faults are put into a module one at a time (a comparison turned, a number moved, a statement left out), and the
tests that belong to the module have to notice. A module passes when at least 90 % of its mutants are killed and every
survivor is in ``tools/mutate_survivors.yaml`` with the reason why no test can or need notice it.

Nothing is written into the source tree: torch and the other heavy libraries are loaded once, and each mutant lives in a
process forked from there, in which the module is loaded from its changed text.
"""

from __future__ import annotations

import argparse
import ast
import copy
import importlib.abc
import importlib.machinery
import importlib.util
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import yaml

ROOT = Path(__file__).parents[1]
SURVIVORS = Path(__file__).with_name("mutate_survivors.yaml")
LIMIT, KILLED = 45, 0.9
TESTS = {
    "training/best.py": ("tests/training/test_best.py",),
    "training/checkpoint.py": (
        "tests/training/test_checkpoint.py",
        "tests/training/test_replay_share.py::test_a_checkpoint_of_another_share_is_refused",
    ),
    "training/loop.py": (
        "tests/training/test_loop.py",
        "tests/training/test_trainer.py::test_one_bad_update_leaves_the_weights_alone",
        "tests/training/test_trainer.py::test_the_average_does_not_step_on_an_update_that_is_not_finite",
    ),
    "stages/staleness.py": (
        "tests/stages/test_staleness.py",
        "tests/stages/test_check_speech.py::test_the_stage_depends_on_the_list_and_on_the_audio_it_names",
        "tests/stages/test_replay.py::test_stages_depend_on_the_replay_set_and_training_on_its_share",
    ),
    "families/musicgen/objective.py": ("tests/families/musicgen/test_objective.py",),
    "families/ace_step/objective.py": (
        "tests/families/ace_step/test_objective_terms.py",
        "tests/families/ace_step/test_objective.py",
    ),
    "families/step_audio/objective.py": (
        "tests/families/step_audio/test_objective_terms.py",
        "tests/families/step_audio/test_objective.py",
    ),
}
"""Modules, and the test files that are run for each of their mutants until one fails."""

COMPARISONS = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
OPERATORS = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Add, ast.Pow: ast.Mult, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
}  # fmt: skip


@dataclass(frozen=True)
class Mutant:
    """One fault: the line it is on, what stands there, what it becomes, and the module's text with it."""

    line: int
    before: str
    after: str
    source: str

    @property
    def name(self) -> str:
        """What a survivor is listed by; line numbers move, texts stay."""
        return f"{self.before}  ->  {self.after}"


def mutants(source: str) -> list[Mutant]:
    """Every mutant of a module's text, in order of lines."""
    tree = ast.parse(source)
    without_meaning = {id(inside) for part in _without_meaning(tree) for inside in ast.walk(part)}
    indices = {id(node.slice) for node in ast.walk(tree) if isinstance(node, ast.Subscript)}
    found = []
    for index, node in enumerate(ast.walk(tree)):
        if id(node) in without_meaning or not isinstance(node, ast.expr | ast.stmt):
            continue
        if id(node) in indices and isinstance(node, ast.Tuple):
            continue
        for replacement in replacements(node):
            changed = copy.deepcopy(tree)
            target = next(n for i, n in enumerate(ast.walk(changed)) if i == index)
            _put(changed, target, replacement)
            text = ast.unparse(ast.fix_missing_locations(changed))
            before, after = (" ".join(ast.unparse(n).split()) for n in (node, replacement))
            found.append(Mutant(node.lineno, before[:160], after[:160], text))
    return sorted(found, key=lambda mutant: (mutant.line, mutant.name))


def replacements(node: ast.AST) -> Iterator[ast.AST]:
    """What a node may become."""
    match node:
        case ast.Compare(ops=[operator]) if type(operator) in COMPARISONS:
            yield _with(node, ops=[COMPARISONS[type(operator)]()])
        case ast.BoolOp(op=operator):
            yield _with(node, op=ast.Or() if isinstance(operator, ast.And) else ast.And())
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield operand
        case ast.BinOp(op=operator) if type(operator) in OPERATORS:
            yield _with(node, op=OPERATORS[type(operator)]())
        case ast.Constant(value=bool(value)):
            yield _with(node, value=not value)
        case ast.Constant(value=int(value) | float(value)):
            yield _with(node, value=value + 1)
        case ast.IfExp(body=body, orelse=orelse):
            yield body
            yield orelse
        case ast.If():
            yield _with(node, test=ast.Constant(value=True))
            yield _with(node, test=ast.Constant(value=False))
        case ast.Tuple(elts=[first, _, *_], ctx=ast.Load()) | ast.List(elts=[first, _, *_], ctx=ast.Load()):
            yield _with(node, elts=[first])
        case ast.Expr(value=ast.Call()) | ast.AugAssign() | ast.Raise():
            yield ast.copy_location(ast.Pass(), node)


def _without_meaning(tree: ast.Module) -> Iterator[ast.AST]:
    """Annotations, decorators, types, shapes of an index, and ``strict=``: what they say, no test can notice."""
    for node in ast.walk(tree):
        match node:
            case ast.AnnAssign(annotation=annotation) | ast.arg(annotation=ast.AST() as annotation):
                yield annotation
            case ast.FunctionDef(returns=returns, decorator_list=decorators):
                yield from [*decorators, *([returns] if returns else [])]
            case ast.ClassDef(decorator_list=decorators):
                yield from decorators
            case ast.Subscript(value=ast.Name(id="Literal" | "Callable")):
                yield node
            case ast.keyword(arg="strict"):
                yield node.value


def _with(node: ast.AST, **changes: object) -> ast.AST:
    changed = copy.deepcopy(node)
    for name, value in changes.items():
        setattr(changed, name, value)
    return changed


def _put(tree: ast.AST, target: ast.AST, replacement: ast.AST) -> None:
    for parent in ast.walk(tree):
        for name, value in ast.iter_fields(parent):
            if value is target:
                setattr(parent, name, replacement)
                return
            if isinstance(value, list) and any(item is target for item in value):
                setattr(parent, name, [replacement if item is target else item for item in value])
                return


class ChangedModule(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Loads one module from another text."""

    def __init__(self, name: str, source: str, file: Path) -> None:
        self.name, self.source, self.file = name, source, file

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """The changed module's spec; nothing for any other."""
        return importlib.util.spec_from_loader(name, self, origin=str(self.file)) if name == self.name else None

    def exec_module(self, module: ModuleType) -> None:
        """Run the changed text."""
        module.__file__ = str(self.file)
        exec(compile(self.source, str(self.file), "exec"), vars(module))


def survives(file: Path, source: str, tests: Sequence[str], seconds: float) -> bool:
    """Whether all tests pass over a changed module, in a process of its own; one that takes too long has not."""
    child = os.fork()
    if child == 0:
        import pytest

        with open(os.devnull, "w") as nowhere:
            os.dup2(nowhere.fileno(), 1)
            os.dup2(nowhere.fileno(), 2)
        name = "tunesmith." + ".".join(file.relative_to(ROOT / "src/tunesmith").with_suffix("").parts)
        sys.meta_path.insert(0, ChangedModule(name, source, file))
        code = pytest.main(["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *tests])
        os._exit(int(code))
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return status == 0
        time.sleep(0.02)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return False


def warm_up() -> None:
    """Load once what every test loads; nothing of Tunesmith, which each mutant loads for itself."""
    import accelerate  # noqa: F401
    import diffusers  # noqa: F401
    import peft  # noqa: F401
    import torch
    import transformers  # noqa: F401

    torch.set_num_threads(1)


def run(module: str, limit: int) -> tuple[int, list[Mutant]]:
    """Mutate one module.

    Returns:
        How many mutants there were, and those that no test noticed.
    """
    file, tests = ROOT / "src/tunesmith" / module, TESTS[module]
    source = file.read_text(encoding="utf-8")
    begun = time.monotonic()
    if not survives(file, ast.unparse(ast.parse(source)), tests, 600):
        raise SystemExit(f"{module}: its tests fail without any mutant")
    patience = 20 + 4 * (time.monotonic() - begun)
    every = mutants(source)
    chosen = every if len(every) <= limit else [every[i * len(every) // limit] for i in range(limit)]
    left = []
    for mutant in chosen:
        if survives(file, mutant.source, tests, patience):
            left.append(mutant)
            print(f"  survived  {module}:{mutant.line}  {mutant.name}", flush=True)
    seconds = time.monotonic() - begun
    print(f"{module}: {len(chosen) - len(left)} of {len(chosen)} mutants killed ({len(every)} in all), {seconds:.0f} s")
    return len(chosen), left


def main(arguments: Sequence[str] | None = None) -> int:
    """Mutate the modules that are named, or all.

    Returns:
        0, or 1 where too few were killed or a survivor is not explained.
    """
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("modules", nargs="*", choices=[*TESTS, []], help="below src/tunesmith; all by default")
    parser.add_argument("--limit", type=int, default=LIMIT, help="mutants of one module, spread evenly over its lines")
    given = parser.parse_args(arguments)
    os.environ |= {"OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false", "HF_HUB_OFFLINE": "1"}
    explained = yaml.safe_load(SURVIVORS.read_text(encoding="utf-8")) or {}
    warm_up()
    failed = False
    for module in given.modules or TESTS:
        total, left = run(module, given.limit)
        strange = [mutant for mutant in left if mutant.name not in explained.get(module, {})]
        failed |= bool(strange) or len(left) > (1 - KILLED) * total
        for mutant in strange:
            print(f"  not explained in {SURVIVORS.name}: line {mutant.line}: {mutant.name}")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
