"""The overlap of training and held-out documents: how much there is, with examples, and a verdict."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any

from bytegolf.auditing.overlap.exact import ExactCopies
from bytegolf.auditing.overlap.held_out import HeldOut, read_held_out
from bytegolf.auditing.overlap.near import NearDuplicates
from bytegolf.auditing.overlap.shard_copies import find_shard_copies, recognise_contest
from bytegolf.runtime.progress import Progress
from bytegolf.text.dataset import Dataset
from bytegolf.text.token_documents import document_blocks

EXAMPLES = 5  # of each kind


@dataclass(frozen=True)
class OverlapExample:
    """A held-out document and a training document that is its copy, or nearly: their numbers, counted from 0, and how near."""

    held_out: int
    training: int
    bytes: int
    similarity: float
    beginning: str


@dataclass(frozen=True)
class OverlapReport:
    """What training and held-out documents of a data folder have in common.

    `exact_duplicates` and `near_duplicates` are numbers of held-out documents, each counted once; near ones are None if they were
    not looked for. `copies` are the training documents that are exact copies of held-out ones.
    """

    exact_duplicates: int
    near_duplicates: int | None
    copies: int
    overlap_bytes: int
    val_bytes: int
    val_documents: int
    train_documents: int
    same_shards: list[list[str]]
    contest: str | None
    examples: list[OverlapExample]

    @property
    def ok(self) -> bool:
        """Return whether no held-out document was found in training, and no shard twice."""
        return not (self.exact_duplicates or self.near_duplicates or self.same_shards)

    @property
    def overlap_share(self) -> float:
        """Return the share of the held-out bytes whose documents were found in training."""
        return self.overlap_bytes / self.val_bytes if self.val_bytes else 0.0

    def to_json(self) -> dict[str, Any]:
        """Return the report as an object for JSON."""
        return {"ok": self.ok, "overlap_share": self.overlap_share, **asdict(self)}


def compare_documents(dataset: Dataset, *, near: bool = True) -> OverlapReport:
    """Compare every training document of a data folder with the held-out ones, by hash and, if `near`, by MinHash.

    Memory is bounded by the held-out side. Raises InputError for shards that are missing or damaged.
    """
    held_out = read_held_out(dataset)
    exact, similar = ExactCopies(held_out), NearDuplicates(held_out) if near else None
    documents = 0
    with Progress("compare", len(dataset.train), "tokens") as progress:
        for block in document_blocks(dataset.train):
            exact.look_at(block)
            if similar:
                similar.look_at(block)
            documents += len(block)
            progress.advance(len(block.tokens))
    near_ones = {number: pair for number, pair in (similar.first_near if similar else {}).items() if number not in exact.first_copy}
    overlapping = [*exact.first_copy, *near_ones]
    return OverlapReport(
        exact_duplicates=len(exact.first_copy),
        near_duplicates=len(near_ones) if similar else None,
        copies=exact.copies,
        overlap_bytes=int(held_out.sizes[overlapping].sum()) if overlapping else 0,
        val_bytes=int(held_out.sizes.sum()),
        val_documents=len(held_out),
        train_documents=documents,
        same_shards=find_shard_copies(dataset.folder),
        contest=recognise_contest(dataset.folder, held_out),
        examples=list(_examples(held_out, exact, near_ones)),
    )


def _examples(held_out: HeldOut, exact: ExactCopies, near_ones: dict[int, tuple[int, float]]) -> Iterator[OverlapExample]:
    """Yield the first of each kind: exact copies, then near ones."""
    copies = {number: (training, 1.0) for number, training in exact.first_copy.items()}
    for found in (copies, near_ones):
        for number, (training, similarity) in islice(sorted(found.items()), EXAMPLES):
            yield OverlapExample(number, training, int(held_out.sizes[number]), round(similarity, 3), held_out.beginning(number))
