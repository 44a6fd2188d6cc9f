"""Sessions without a browser: what becomes of edits and bursts of clicks, and who hears of it."""

import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from gsseg_viewer import colors, messages
from gsseg_viewer.edits import delete, hide, merge, rename
from gsseg_viewer.mouse import click
from gsseg_viewer.moving import go_to
from gsseg_viewer.saving import save
from gsseg_viewer.session import Session
from gsseg_viewer_test_stage import at, objects, painted_right, settle


def test_a_burst_of_clicks_costs_few_repaints_and_ends_right(stage, balls):
    """Fifty clicks while a repaint hangs: every pick happens, in order, and then two repaints at most."""
    one = stage.enter()
    one._nodes.go_on.clear()
    one.color_by("object")
    before = len(one._nodes.painted)
    for number in range(50):
        ray = at(balls, number % 4)
        one.enqueue(lambda ray=ray: click(one, *ray, "set"))
    one._nodes.go_on.set()
    settle(one)
    assert objects(one) == [49 % 4]
    assert painted_right(one)
    assert len(one._nodes.painted) - before <= 3


def test_the_queue_keeps_the_order(stage):
    one = stage.enter()
    order: list[int] = []
    for number in range(30):
        one.enqueue(lambda number=number: (time.sleep(0.002 * (number % 3)), order.append(number)))
    settle(one)
    assert order == list(range(30))


def test_many_threads_at_once_end_in_a_state_that_is_shown(stage, balls):
    one, two = stage.enter(), stage.enter()

    def work(which: Session, number: int) -> None:
        click(which, *at(balls, number % 4), ("set", "add", "remove")[number % 3])
        which.edit(f"named {number}", lambda state: rename(state, number % 4, f"name {number}"))
        which.color_by(colors.COLORINGS[number % 6])
        which.undo() if number % 5 == 0 else which.redo()

    threads = [threading.Thread(target=work, args=(which, k)) for k in range(16) for which in (one, two)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for which in (one, two):
        settle(which)
        assert painted_right(which)
        assert which.panels[0].seen[-1] == (which.selection, stage.document.state)


def test_edits_are_announced_once_to_everybody(stage):
    one, two = stage.enter(), stage.enter()
    assert one.edit("merged 2 objects", lambda state: merge(state, state.pieces_of([0, 1])))
    assert one.client.said == ["Merged 2 objects"]
    assert two.client.said == ["Somebody else changed the scene: Merged 2 objects"]
    assert two.undo()
    assert two.client.said[1:] == ["Undid: merged 2 objects"]
    assert not two.undo()
    assert two.client.said[2:] == ["Not done: Nothing to undo"]
    assert one.client.said[1:] == ["Somebody else changed the scene: Undid: merged 2 objects"]
    assert one.redo()
    assert not one.edit("hid nothing", lambda state: hide(state, state.pieces_of([])))
    assert one.client.said[-1] == "Not done: Select something to hide"


def test_what_vanishes_is_selected_by_nobody(stage, balls):
    one, two = stage.enter(), stage.enter()
    click(one, *at(balls, 1))
    click(two, *at(balls, 1))
    click(two, *at(balls, 2), "add")
    one.edit("hid red ball", lambda state: hide(state, state.pieces_of([1])))
    assert (objects(one), objects(two)) == ([], [2])
    click(two, *at(balls, 3), "add")
    one.undo()
    assert (objects(one), objects(two)) == ([1], [2, 3]), "selected again, unless something was selected since"


def test_saving_numbers_objects_anew_and_keeps_every_selection(stage, balls):
    one, two = stage.enter(), stage.enter()
    click(two, *at(balls, 3))
    labels = two.selection.pieces
    one.edit("merged 2 objects", lambda state: merge(state, state.pieces_of([2, 1])))
    assert one.save()
    assert two.selection.pieces == labels
    names = [stage.document.state.objects[each].name for each in objects(two)]
    assert names == ["yellow ball"]
    assert one.client.messages[-1].title == "Saved"
    assert str(balls.path) in one.client.messages[-1].body
    assert two.client.said[-1] == "Somebody else changed the scene: Saved"


def test_what_cannot_be_saved_says_so(stage, monkeypatch):
    one = stage.enter()
    path = stage.document.run.path / "objects.json"
    path.write_text(path.read_text() + " ")
    one.edit("deleted blue ball", lambda state: delete(state, state.pieces_of([0])))
    assert not one.save()
    assert one.client.messages[-1].title == "Not saved"
    assert "changed" in one.client.messages[-1].body
    assert save.__module__ == "gsseg_viewer.saving"


def test_a_closed_session_sends_nothing_and_hears_nothing(stage, balls):
    one, two = stage.enter(), stage.enter()
    two._nodes.go_on.clear()
    two.color_by("feature")  # hangs in a repaint
    for number in range(20):
        two.enqueue(lambda number=number: click(two, *at(balls, number % 4)))
    two.close()
    sent = len(two.client.messages), two.client.camera.position.copy()
    two._nodes.go_on.set()
    one.edit("hid red ball", lambda state: hide(state, state.pieces_of([1])))
    two.tell("nobody")
    go_to(two, two.views[2])
    two.enqueue(lambda: pytest.fail("done after all"))
    with two.working("in vain") as say:
        say("still")
    two.close()
    assert len(two.client.messages) == sent[0]
    np.testing.assert_array_equal(two.client.camera.position, sent[1])
    assert len(stage.document._listeners) == 1
    settle(one)
    assert painted_right(one)


def test_a_failing_job_is_told_and_the_queue_goes_on(stage, caplog):
    one = stage.enter()
    one.enqueue(lambda: 1 / 0)
    settle(one)
    assert one.client.said == ["That failed: ZeroDivisionError: division by zero"]
    assert "ZeroDivisionError" in caplog.text
    one.color_by("object")
    settle(one)
    assert painted_right(one)


def test_only_the_last_messages_stay(stage):
    one = stage.enter()
    for number in range(10):
        one.tell(f"message {number}")
    shown = [each.title for each in one.client.messages if each.shown]
    assert shown == [f"message {number}" for number in range(10 - messages.SHOWN, 10)]


def test_slow_work_shows_its_progress_and_quick_work_nothing(stage, monkeypatch, poll: Callable[..., Any]):
    one = stage.enter()
    with one.working("Quick"):
        pass
    assert one.client.messages == []
    monkeypatch.setattr(messages, "PATIENCE", 0.01)
    with one.working("Slow") as say:
        say("half")
        poll("the message", lambda: one.client.messages)
        say("nearly")
    (message,) = one.client.messages
    assert (message.title, message.body, message.options["loading"]) == ("Slow", "nearly", True)
    assert not message.shown

    def fail() -> None:
        with one.working("Failing"):
            poll("the message", lambda: len(one.client.messages) == 2)
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert not one.client.messages[1].shown
