"""A number in a sentence chooses its form: nobody reads "1 tips"."""

from __future__ import annotations

import re
from types import ModuleType

# A number with the name of what is counted behind it. What is called a limit is a constant of ours.
COUNTED = re.compile(
    r"\{(?:count|days|weeks|hours|late|size|before|\w+_days|\w+_count)\} (?:more )?"
    r"(?!has|is|was|does)[a-z]+s\b"
)
# Texts whose number is never 1, each by its beginning, and why.
NEVER_ONE = {
    "{count} entries read": "a multiple of 65,536",
    "on {on} hold {hold} was placed for {days} days": "more than a year",
    "{count} bytes": "a rung of the ladder",
    "size: {count} bytes": "a rung of the ladder",
    "channel {channel} has {count} readers": "more than eight",
    "the desk opened {count} tips": "said if it is not 1",
    "{count} tips begin like this": "said of several",
    "The last {count} days": "a constant of the page",
    "The log has {count} entries.": "the first batch has more",
    "Place a hold.": "a constant",
    "the log had {before} entries": "more than it has now",
}
# A period that is warned of as too long is longer than a bound, and no bound is below 1.
TOO_LONG = re.compile(r"\{key\}: .*(?:More than \{limit_days\} is much|gone after \{limit_days\})$")


def find_stiff(texts: list[str]) -> list[str]:
    """Return the texts that say "1 tips" when the number is 1."""
    return [
        text
        for text in texts
        if COUNTED.search(text)
        and not text.startswith(tuple(NEVER_ONE))
        and not TOO_LONG.match(text)
    ]


def test_numbers_when_the_catalogue_is_read_then_each_has_two_forms_or_is_never_one(
    catalogue: ModuleType,
) -> None:
    """Whoever counts writes both forms (`ngettext`, `NN_`), or says why one is enough."""
    texts = [message.id for message in catalogue.extract() if isinstance(message.id, str)]

    assert find_stiff(texts) == []
    # No exception outlives its text.
    assert [start for start in NEVER_ONE if not any(t.startswith(start) for t in texts)] == []


def test_search_when_a_number_has_one_form_then_it_is_found() -> None:
    """The search can fail."""
    assert find_stiff(["hold {id}: {count} tips are held"]) != []
    assert find_stiff(["{days} more days"]) != []
    assert find_stiff(["tips: {count}", "at most {limit} days"]) == []
