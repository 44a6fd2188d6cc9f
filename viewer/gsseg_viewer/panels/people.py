"""Who else is here: chips with names, and marks in the list on what others have selected (`web/people.js`)."""

from typing import Any

from gsseg_viewer.edits import EditError
from gsseg_viewer.incoming import PartAsked
from gsseg_viewer.people import People, Person
from gsseg_viewer.session import Session


class PeoplePanel:
    """The session's end of it."""

    def __init__(self, session: Session) -> None:
        """Builds nothing: the page has the chips from its start."""
        self.session, self.people = session, People.of(session.document)
        self.client = session.client.client_id
        self._told: Any = None
        session.channel.listen("people", self._heard)
        self.people.enter(self.client, lambda: session.enqueue(self._tell))

    def refresh(self) -> None:
        """Tells others what is selected here."""
        session = self.session
        self.people.look(self.client, session.selection.objects(session.document.state))
        self._tell()

    def _tell(self) -> None:
        me = self.people.get(self.client)
        told = {"me": None if me is None else _told(me), "others": list(map(_told, self.people.others(self.client)))}
        if told != self._told:
            self._told = told
            self.session.channel.tell("people", "state", told)

    def _heard(self, asked: PartAsked) -> None:
        if asked.action != "name":
            raise EditError("the page asked for something that is not there")
        self.people.call(self.client, asked.text)
        self._tell()


def _told(person: Person) -> dict[str, Any]:
    return {"name": person.name, "color": person.color, "selected": list(person.selected)}
