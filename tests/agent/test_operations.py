"""Operations survive the log, are settled after a crash at any boundary, and are taken back and done again exactly."""

from __future__ import annotations

import json
from dataclasses import MISSING, fields
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klapp.files.overlay import Overlay
from klapp.files.protocol import FileError, Identity
from klapp.operations import (
    ALL,
    Append,
    Copy,
    Create,
    Keep,
    MakeFolder,
    Move,
    Operation,
    Restore,
    Trash,
    Truncate,
    from_json,
)
from klapp.operations.steps import Step, recovered, settle
from tests.agent.batches import BATCHES, NOW, TREES, Act, Tree, World, carried_out, planned, taken_back, tree_of

VALUES: dict[str, st.SearchStrategy[Any]] = {
    "str": st.text(st.characters(exclude_categories=())) | st.just("/\udcff/\ud800"),
    "int": st.integers(0, 2**63),
    "bool": st.booleans(),
    "bytes": st.binary(),
    "Identity": st.tuples(st.integers(-1, 2**63), st.integers(0), st.integers(), st.integers(0)),
}
VALUES |= {f"tuple[{name}, ...]": st.lists(VALUES[name], max_size=3).map(tuple) for name in ("str", "int", "Identity")}
VALUES |= {f"{name} | None": st.none() | values for name, values in VALUES.items()}
OPERATIONS = st.sampled_from(ALL).flatmap(
    lambda kind: st.builds(kind, **{f.name: VALUES[str(f.type)] for f in fields(kind)})
)


@given(OPERATIONS)
def test_an_operation_survives_the_log(operation: Operation) -> None:
    assert from_json(json.loads(json.dumps(operation.to_json(), ensure_ascii=True))) == operation


@given(OPERATIONS, st.data())
def test_a_logged_operation_with_other_parts_is_refused(operation: Operation, data: st.DataObject) -> None:
    body = operation.to_json()
    name = data.draw(st.sampled_from(sorted(body)))
    without = {key: value for key, value in body.items() if key != name}
    added = {field.name for field in fields(operation) if field.default is not MISSING}
    for wrong in (
        without,
        {**body, "more": 1},
        {**body, name: {"no": "value"}},
        {**body, name: 0.5},
        {**body, name: True},
    ):
        if wrong == body or (wrong is without and name in added):  # a part that can be True, or that came later
            continue
        with pytest.raises(ValueError, match=r"log|operation"):
            from_json(wrong)


@given(OPERATIONS)
def test_a_sentence_is_one_line_without_hidden_characters(operation: Operation) -> None:
    assert all(character.isprintable() or character.isspace() for character in operation.sentence())
    assert len(operation.sentence().splitlines()) == 1


@given(TREES, BATCHES)
def test_undo_restores_the_tree_byte_for_byte(files: dict[str, bytes], acts: list[Act]) -> None:
    with tree_of(files) as tree:
        before = tree.snapshot()
        done = carried_out(tree, planned(Overlay(tree.files, tree.files.lane, NOW), tree, acts))
        taken_back(tree, done)
        assert tree.snapshot() == before


@given(TREES, BATCHES)
def test_undoing_an_undo_does_it_again_and_can_be_undone(files: dict[str, bytes], acts: list[Act]) -> None:
    with tree_of(files) as tree:
        before = tree.snapshot()
        done = carried_out(tree, planned(Overlay(tree.files, tree.files.lane, NOW), tree, acts))
        after = tree.contents()
        undone = taken_back(tree, done)
        redone = taken_back(tree, undone)
        assert tree.contents() == after
        taken_back(tree, redone)
        assert tree.snapshot() == before


@given(TREES, BATCHES)
def test_a_plan_is_what_the_disk_becomes(files: dict[str, bytes], acts: list[Act]) -> None:
    with tree_of(files) as tree:
        overlay = Overlay(tree.files, tree.files.lane, NOW)
        steps = planned(overlay, tree, acts)
        expected = tree.contents(overlay)
        carried_out(tree, steps)
        assert tree.contents() == expected


@given(TREES, BATCHES, st.data())
def test_after_a_crash_at_any_boundary_the_rest_can_be_done_or_all_taken_back(
    files: dict[str, bytes], acts: list[Act], data: st.DataObject
) -> None:
    for goes_on in (True, False):
        with tree_of(files) as tree:
            before = tree.snapshot()
            overlay = Overlay(tree.files, tree.files.lane, NOW)
            steps = planned(overlay, tree, acts)
            expected = tree.contents(overlay)
            carried_out(tree, steps[: data.draw(st.integers(0, len(steps)))])
            count, done = after_crash(tree, steps)
            if goes_on:
                known = {plan.product: real.product for plan, real in zip(steps, done, strict=False)}
                carried_out(tree, steps[count:], {k: v for k, v in known.items() if k and v})
                assert tree.contents() == expected
            else:
                taken_back(tree, done)
                assert tree.snapshot() == before


def after_crash(tree: Tree, steps: list[Step]) -> tuple[int, list[Step]]:
    """How many steps were done, and these as done ones; asked twice, it answers the same."""
    world = World(tree.files)
    count = settle(steps, world)
    assert settle(steps, world) == count
    return count, recovered(steps[:count], world)


@given(TREES, BATCHES)
def test_each_operation_knows_whether_it_was_done(files: dict[str, bytes], acts: list[Act]) -> None:
    with tree_of(files) as tree:
        world, known = World(tree.files), dict[Identity, Identity]()
        for step in planned(Overlay(tree.files, tree.files.lane, NOW), tree, acts):
            operation = step.operation.resolved(known)
            snapshot = tree.snapshot()
            assert not operation.settle(world)
            assert tree.snapshot() == snapshot
            carried_out(tree, [step], known)
            snapshot = tree.snapshot()
            assert operation.settle(world) == operation.settles
            assert tree.snapshot() == snapshot


def test_an_append_that_was_cut_short_is_finished() -> None:
    with tree_of({"log": b"one\n"}) as tree:
        file = tree.files.look(tree.path("log"))
        assert file is not None
        append = Append(file.path, b"two\nthree\n", file.identity)
        tree.files.append(file.path, b"two\nth", file.identity)
        assert append.settle(World(tree.files))
        assert tree.files.read(file.path, 100) == b"one\ntwo\nthree\n"


def test_what_someone_else_put_at_the_goal_is_not_taken_for_done() -> None:
    with tree_of({"a": b"mine", "b": b"other"}) as tree:
        file = tree.files.look(tree.path("a"))
        assert file is not None
        world = World(tree.files)
        for operation in (
            Move(file.path, tree.path("b"), file.identity),
            Copy(file.path, tree.path("b"), file.identity),
            Create(tree.path("b"), b"mine!"),
            Append(tree.path("b"), b"er", (*file.identity[:3], 4)),
            Trash(file.path, file.identity, tree.files.new_trash_token(file.path)),
            Restore(tree.files.new_trash_token(file.path), tree.path("c")),
        ):
            assert not operation.settle(world)
        assert tree.contents() == {tree.path("a"): b"mine", tree.path("b"): b"other"}


@pytest.mark.parametrize("act", [("move", "a", "new/b", None), ("copy", "a", "b", None), ("append", "x", "a", None), ("write", "x", "a", "replace")])  # fmt: skip
def test_what_was_changed_since_is_left_as_it_is(act: Act) -> None:
    with tree_of({"a": b"first\n"}) as tree:
        done = carried_out(tree, planned(Overlay(tree.files, tree.files.lane, NOW), tree, [act]))
        made = done[-1].operation.makes()
        assert made is not None
        with open(made, "ab") as file:
            file.write(b"by hand")
        changed = tree.snapshot()
        with pytest.raises(FileError) as refused:
            taken_back(tree, done)
        assert refused.value.kind == "changed"
        assert tree.snapshot() == changed


def test_a_folder_that_somebody_uses_stays_when_it_is_taken_back() -> None:
    with tree_of({"a": b"x"}) as tree:
        done = carried_out(
            tree, planned(Overlay(tree.files, tree.files.lane, NOW), tree, [("make folder", "", "n", None)])
        )
        tree.files.create(tree.path("n/mine"), b"mine")
        undone = taken_back(tree, done)
        assert tree.contents()[tree.path("n/mine")] == b"mine"
        taken_back(tree, undone)
        assert tree.contents()[tree.path("n/mine")] == b"mine"


def test_places_are_exactly_what_an_operation_needs() -> None:
    version = (1, 2, 3, 4)
    assert Move("/a", "/b/c", version).places() == {"remove": ("/a",), "write": ("/b/c",)}
    assert Copy("/a", "/b", version).places() == {"read": ("/a",), "write": ("/b",)}
    assert MakeFolder("/a").places() == {"write": ("/a",)}
    assert Trash("/a", version, "t").places() == {"remove": ("/a",)}
    assert Keep("/a", version, "t").places() == {"write": ("/a",)}
    assert Truncate("/a", 1, b"", 3, version).places() == {"write": ("/a",), "read": ("/a",)}
