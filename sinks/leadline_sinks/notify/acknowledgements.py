"""The generations of an incident that its acknowledgements cover. Pure.

An acknowledgement covers what was known when it was given: the incident up to its generation at that time.
"""

from collections.abc import Sequence

from leadline.model.action import Action
from leadline.model.delivery import Delivery


def coverage(action: Action, last: Delivery | None) -> int:
    """The generation up to which an acknowledgement covers the incident, for a target with this last delivery.

    Where the acknowledgement does not say, it covers what the target had been sent before it.
    """
    if last is not None and action.action_id in last.actions:
        return last.acknowledged or last.generation
    if action.generation is not None:
        return action.generation
    return last.generation if last is not None else 1


def covered(actions: Sequence[Action], last: Delivery | None) -> int:
    """The highest generation that is covered, with these actions besides those that were sent; 0 for none."""
    new = [coverage(action, last) for action in actions if action.kind == "acknowledge"]
    return max([last.acknowledged if last is not None else 0, *new])


def covering(actions: Sequence[Action], last: Delivery | None, generation: int) -> str | None:
    """The person who acknowledged last, of the acknowledgements that cover a generation; None without one."""
    people = [each.by for each in actions if each.kind == "acknowledge" and coverage(each, last) >= generation]
    return people[-1] if people else None
