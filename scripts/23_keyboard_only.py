"""How many keys it takes to mend and name every object of a sample room by keyboard alone, and how right it is then.

    python scripts/23_keyboard_only.py RUN SCENE

RUN and SCENE as of ``gsseg demo``; nothing is saved. The person is played by the ground truth of SCENE: of two objects
that are probably one they merge those that are mostly of the same instance, and they name each object by the class of
the instance that most of it is. A press is a key, with Shift or without, or a letter that is typed.
"""

import importlib
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from gsseg_viewer.classes import ObjectClass, base_of, is_named
from gsseg_viewer.document import Document
from gsseg_viewer.guides.borders import BorderReview
from gsseg_viewer.guides.naming import Naming

from gsseg.files.json_file import parse_json
from gsseg.io.scene_folder import load_views
from gsseg.run import Run

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "viewer"))
sys.modules["gsseg_viewer_test_stage"] = importlib.import_module("stage")  # as the tests' own loader names it
Desk = importlib.import_module("desk").Desk


class Person:
    """Presses keys, and counts them."""

    def __init__(self, run: Path, scene: Path) -> None:
        """Opens the run."""
        self.names = {int(key): name for key, name in parse_json((scene / "gt" / "names.json").read_text()).items()}
        self.truth = np.load(scene / "gt" / "gaussian_instance.npy")
        counts = Counter(self.names.values())
        self.classes = [name for name, _ in counts.most_common()]
        self.document = Document(Run.open(run), [ObjectClass(name, (128, 128, 128)) for name in self.classes])
        views = load_views(scene, run / "segmented.ply", max_side=320)[0]
        self.desk: Any = Desk(self.document, views)
        self.presses: Counter[str] = Counter()

    def press(self, what: str, key: str) -> None:
        """One key."""
        self.presses[what] += 1
        self.desk.press(key)

    def instance(self, object_id: int) -> int:
        """What most of an object is of; -1 for what is of none."""
        mine = self.truth[self.document.object_ids(self.document.state) == object_id]
        ids, counts = np.unique(mine, return_counts=True)
        return int(ids[counts.argmax()])

    def merge(self) -> None:
        """Goes through what is probably one."""
        self.press("merging", "M")
        while isinstance(self.desk.session.guide, BorderReview):
            one, other = self.desk.session.guide.shown
            self.press("merging", "M" if self.instance(one) == self.instance(other) else "K")

    def name(self) -> None:
        """Goes through what has no name."""
        self.press("naming", "N")
        while isinstance(self.desk.session.guide, Naming):
            called = self.names.get(self.instance(self.desk.session.guide.at), "thing")
            place = self.classes.index(called) if called in self.classes else len(self.classes)
            if place < 20:
                self.press("naming", f"{'Shift+' if place > 9 else ''}{(place + 1) % 10}")
                continue
            letters = next((k for k in range(1, len(called)) if self._alone(called[:k])), len(called))
            self.presses["naming"] += letters + 2  # Enter, the letters, Enter
            self.desk.session.enqueue(lambda text=called[:letters]: self._type(text))
            self.desk.settle()

    def _alone(self, start: str) -> bool:
        return sum(name.casefold().startswith(start.casefold()) for name in self.classes) == 1

    def _type(self, text: str) -> None:
        self.desk.session.guide.typed(text)
        self.desk.session.refresh()

    def right(self) -> tuple[int, int, int]:
        """Objects, those that have a name, and those whose name is that of what most of them is."""
        state = self.document.state
        there = {each: info.name for each, info in state.objects.items() if each not in state.deleted_objects}
        named = [each for each, name in there.items() if is_named(each, name)]
        right = [each for each in named if base_of(there[each]) == self.names.get(self.instance(each), "thing")]
        return len(there), len(named), len(right)


def main() -> None:
    """Prints the count."""
    person = Person(Path(sys.argv[1]), Path(sys.argv[2]))
    before = len(person.document.state.objects)
    person.merge()
    person.name()
    objects, named, right = person.right()
    print(f"{before} objects found, {objects} after merging, {named} named, {right} of them rightly")
    parts = ", ".join(f"{what} {count}" for what, count in person.presses.items())
    print(f"{person.presses.total()} keys pressed: {parts}")
    person.desk.close()


if __name__ == "__main__":
    main()
