"""Sessions without a browser: what becomes of clicks, edits and bursts of them, and who hears of it."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from gsseg_viewer import colors, messages
from gsseg_viewer.camera import Surroundings
from gsseg_viewer.saving import save
from gsseg_viewer.session import Session
from gsseg_viewer.state import delete, hide, merge, rename

FRONT = np.array([0.0, -5.0, 0.0])


class Message:
    """A notification, as it was shown, and whether it still is."""

    def __init__(self, title: str, body: str, **options: Any) -> None:
        self.title, self.body, self.options, self.shown = title, body, options, True

    def remove(self) -> None:
        assert self.shown, "removed twice"
        self.shown = False


class FakeClient:
    """Records what is shown in a browser that is not there."""

    def __init__(self, client_id: int) -> None:
        self.client_id = client_id
        self.camera = SimpleNamespace(
            position=FRONT, wxyz=np.array([0.5**0.5, -(0.5**0.5), 0.0, 0.0]), fov=0.9, aspect=1.5, look_at=np.zeros(3),
            up_direction=np.array([0.0, 0.0, 1.0]), min_orbit_distance=0.0, max_orbit_distance=1.0,
        )  # fmt: skip
        self.messages: list[Message] = []
        buffer = SimpleNamespace(sanctioned_dead_writes=nullcontext)
        self._websock_connection = SimpleNamespace(get_message_buffer=lambda: buffer)

    def atomic(self) -> AbstractContextManager[None]:
        return nullcontext()

    def add_notification(self, title: str, body: str, **options: Any) -> Message:
        self.messages.append(Message(title, body, **options))
        return self.messages[-1]

    @property
    def said(self) -> list[str]:
        """Title and body of every message so far."""
        return [f"{each.title}: {each.body}".rstrip(": ") for each in self.messages]


class FakeSplats:
    """Records every repaint, and can be held up in the middle of one."""

    def __init__(self) -> None:
        self.painted: list[tuple[np.ndarray, np.ndarray]] = []
        self.go_on = threading.Event()
        self.go_on.set()

    def show(self, client: FakeClient, rgb: np.ndarray, alphas: np.ndarray) -> "FakeSplats":
        self.recolor(rgb, alphas)
        return self

    def recolor(self, rgb: np.ndarray, alphas: np.ndarray) -> None:
        self.painted.append((rgb.copy(), alphas.copy()))
        assert self.go_on.wait(20)


class FakePanel:
    """Counts, and remembers what there was to be seen."""

    def __init__(self, watched: Session) -> None:
        self.watched, self.seen = watched, []

    def refresh(self) -> None:
        self.seen.append((self.watched.selection, self.watched.document.state))


class Stage:
    """Sessions of fake browsers at one document."""

    def __init__(self, balls: Any) -> None:
        self.document = balls.document()
        self.views = balls.views()
        self.surroundings = Surroundings.of(self.document.gaussians, self.views)
        self.sessions: list[Session] = []

    def enter(self, views: bool = True) -> Session:
        """One more browser; `splats` and `panel` of it are found at the session."""
        fake: Any = FakeClient(len(self.sessions))
        splats: Any = FakeSplats()
        made = Session(fake, self.document, splats, self.surroundings, self.views if views else [])
        made.panels.append(FakePanel(made))
        self.sessions.append(made)
        made.start()
        settle(made)
        return made


def settle(which: Session) -> None:
    """Waits until the queue is empty, and with it all repaints that were due."""
    for _ in range(3):
        done = threading.Event()
        which.enqueue(done.set)
        assert done.wait(20)


@pytest.fixture
def stage(balls: Any) -> Iterator[Stage]:
    made = Stage(balls)
    yield made
    for each in made.sessions:
        each._nodes.go_on.set()
        each.close()


def painted_right(which: Session) -> bool:
    """Whether the last repaint is of what the session holds now."""
    rgb, alphas = which._nodes.painted[-1]
    state = which.document.state
    wanted = colors.colors(which.document, state, which.coloring, which.selection)
    return np.array_equal(rgb, wanted) and np.array_equal(alphas, colors.alphas(which.document, state))


def objects(which: Session) -> list[int]:
    return which.selection.objects(which.document.state)


def at(balls: Any, ball: int) -> tuple[np.ndarray, np.ndarray]:
    """A ray from the front through a ball's centre."""
    return FRONT, balls.centres[ball] - FRONT


def test_clicks_select_add_remove_and_clear(stage, balls):
    one = stage.enter()
    for ball, how, wanted in ((1, "set", [1]), (3, "add", [1, 3]), (1, "remove", [3]), (0, "set", [0])):
        one.click(*at(balls, ball), how)
        assert objects(one) == wanted
        settle(one)
        assert painted_right(one)
        assert one.panels[0].seen[-1][0] is one.selection
    one.click(FRONT, [0.0, 0.0, 1.0], "add")
    assert objects(one) == [0]
    one.click(FRONT, [0.0, 0.0, 1.0])
    assert not one.selection


def test_rectangles_select_add_remove(stage):
    one = stage.enter()
    left, right, all_ = ((0.0, 0.0), (0.5, 1.0)), ((0.5, 0.0), (1.0, 1.0)), ((0.0, 0.0), (1.0, 1.0))
    for rectangle, how, wanted in (
        (left, "set", [0, 1]), (right, "add", [0, 1, 2, 3]), (left, "remove", [2, 3]), (all_, "set", [0, 1, 2, 3])
    ):  # fmt: skip
        one.select_rectangle(*rectangle, how)
        assert objects(one) == wanted
    before = one.selection
    one.select_rectangle((0.0, 0.0), (0.01, 0.01))
    assert one.selection is before
    assert one.client.messages[-1].title == "No object there"


def test_a_burst_of_clicks_costs_few_repaints_and_ends_right(stage, balls):
    """Fifty clicks while a repaint hangs: every pick happens, in order, and then two repaints at most."""
    one = stage.enter()
    one._nodes.go_on.clear()
    one.color_by("object")
    before = len(one._nodes.painted)
    for number in range(50):
        ray = at(balls, number % 4)
        one.enqueue(lambda ray=ray: one.click(*ray, "set"))
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
        which.click(*at(balls, number % 4), ("set", "add", "remove")[number % 3])
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
    assert one.edit("merged 2 objects", lambda state: merge(state, [0, 1]))
    assert one.client.said == ["Merged 2 objects"]
    assert two.client.said == ["Somebody else changed the scene: Merged 2 objects"]
    assert two.undo()
    assert two.client.said[1:] == ["Undid: merged 2 objects"]
    assert not two.undo()
    assert two.client.said[2:] == ["Not done: Nothing to undo"]
    assert one.client.said[1:] == ["Somebody else changed the scene: Undid: merged 2 objects"]
    assert one.redo()
    assert not one.edit("hid nothing", lambda state: hide(state, []))
    assert one.client.said[-1] == "Not done: Select something to hide"


def test_what_vanishes_is_selected_by_nobody(stage, balls):
    one, two = stage.enter(), stage.enter()
    one.click(*at(balls, 1))
    two.click(*at(balls, 1))
    two.click(*at(balls, 2), "add")
    one.edit("hid red ball", lambda state: hide(state, [1]))
    assert (objects(one), objects(two)) == ([], [2])
    one.undo()
    assert (objects(one), objects(two)) == ([], [2])


def test_saving_numbers_objects_anew_and_keeps_every_selection(stage, balls):
    one, two = stage.enter(), stage.enter()
    two.click(*at(balls, 3))
    labels = two.selection.labels
    one.edit("merged 2 objects", lambda state: merge(state, [2, 1]))
    assert one.save()
    assert two.selection.labels == labels
    names = [stage.document.state.objects[each].name for each in objects(two)]
    assert names == ["yellow ball"]
    assert one.client.messages[-1].title == "Saved"
    assert str(balls.path) in one.client.messages[-1].body
    assert two.client.said[-1] == "Somebody else changed the scene: Saved"


def test_what_cannot_be_saved_says_so(stage, monkeypatch):
    one = stage.enter()
    path = stage.document.run.path / "objects.json"
    path.write_text(path.read_text() + " ")
    one.edit("deleted blue ball", lambda state: delete(state, [0]))
    assert not one.save()
    assert one.client.messages[-1].title == "Not saved"
    assert "changed" in one.client.messages[-1].body
    assert save.__module__ == "gsseg_viewer.saving"


def test_a_closed_session_sends_nothing_and_hears_nothing(stage, balls):
    one, two = stage.enter(), stage.enter()
    two._nodes.go_on.clear()
    two.color_by("feature")  # hangs in a repaint
    for number in range(20):
        two.enqueue(lambda number=number: two.click(*at(balls, number % 4)))
    two.close()
    sent = len(two.client.messages), two.client.camera.position.copy()
    two._nodes.go_on.set()
    one.edit("hid red ball", lambda state: hide(state, [1]))
    two.tell("nobody")
    two.go_to(two.views[2])
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


def test_views_are_stepped_through_in_a_ring(stage):
    one = stage.enter()
    seen = []
    for step in (1, 1, 1, 1, -1, -1):
        one.step_view(step)
        seen.append(one.view)
        np.testing.assert_allclose(one.client.camera.position, one.views[one.view].camera.position)
    assert seen == [0, 1, 2, 0, 2, 1]
    two = stage.enter(views=False)
    two.step_view(1)
    assert two.client.messages[-1].title == "No training views"


def test_framing_goes_to_the_selection_and_back_to_the_start(stage, balls):
    one = stage.enter()
    one.click(*at(balls, 3))
    one.frame_selection()
    np.testing.assert_allclose(one.client.camera.look_at, balls.centres[3], atol=0.05)
    one.clear()
    one.frame_selection()
    np.testing.assert_allclose(one.client.camera.position, stage.surroundings.start.position)
