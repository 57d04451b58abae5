"""What is remembered of a collected file, beside it: the CSV file itself does not say whose tweets they are."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from lightning_suite.errors import DataError, UsageError
from lightning_suite.files import write_text
from suite_tweets.collecting.choice import Choice, as_typed
from suite_tweets.collecting.output import beside


@dataclass(frozen=True)
class CollectionRecord:
    """Of which account and of which kinds of tweets a file is, and which of its tweets is the newest."""

    account: str
    user_id: str
    retweets: bool
    replies: bool
    newest_id: str | None

    @classmethod
    def read(cls, output: Path, name: str, choice: Choice, *, unfinished: bool) -> Self | None:
        """Return the record of a file; None when the file is not there.

        Args:
            output: the CSV file.
            name: whose it should be.
            choice: what should be in it.
            unfinished: whether a collection into it was begun, so that it may lack this only because its end was cut.

        Raises:
            UsageError: the file is not a collection, or of another account, or of other kinds of tweets.
            DataError: the record cannot be read.
        """
        if not output.exists():
            return None
        path = beside(output, "collected.json")
        try:
            record = cls(**json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            if unfinished:
                return None
            raise UsageError(
                f"{output} is there already, and without {path.name}, which a collection has beside it\n"
                "choose another name with --output, or move it away"
            ) from None
        except (TypeError, ValueError, RecursionError) as error:
            raise DataError(f"not what a collection writes beside its file ({error})", path) from None
        if record.account.lower() != name.lower():
            raise UsageError(f"{output} has the tweets of @{record.account}: choose another name with --output")
        if (record.retweets, record.replies) != (choice.retweets, choice.replies):
            was = f"--retweets {as_typed(record.retweets)} --replies {as_typed(record.replies)}"
            raise UsageError(f"{output} was collected with {was}: give the same, or choose another name with --output")
        return record

    def write(self, output: Path) -> None:
        """Write the record beside its file."""
        write_text(beside(output, "collected.json"), json.dumps(vars(self), indent=1) + "\n")
