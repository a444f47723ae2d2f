"""A review in words: lines for a terminal, and Markdown to paste into a thread."""

from collections.abc import Iterator

from bytegolf.contest.evidence import ReviewFinding
from bytegolf.contest.review import Review


def as_text(review: Review) -> str:
    """Return a review as lines: verdict, findings, facts, what was not decided."""
    return "\n".join(_lines(review))


def _lines(review: Review) -> Iterator[str]:
    yield f"{review.file}: {_verdict(review)}"
    yield ""
    for finding in review.findings:
        mark = "FLAG" if finding.flags else finding.weight
        yield f"  {mark:9} {finding.rule} at {_place(finding)}, reached by {finding.reached}{'' if finding.on else ' (off)'}"
        if finding.evidence:
            yield f"            {finding.evidence}"
        yield f"            {finding.why}"
    if not review.findings:
        yield "  no findings"
    yield ""
    yield f"  facts     {_facts(review)}"
    if review.smoke is not None:
        yield f"  smoke     {_smoke(review)}"
    for point in review.undecided:
        yield f"  undecided {point}"
    yield f"  advice    {recommendation(review)}"


def as_markdown(review: Review) -> str:
    """Return a review as Markdown, the findings in a table."""
    lines = [f"### Review: {'FLAG' if review.verdict == 'flag' else 'LOOKS CLEAN'}", "", f"**{_verdict(review)}**", ""]
    lines += [f"File `{review.file}`, SHA-256 `{review.sha256[:12]}`.", f"{_facts(review).capitalize()}.", ""]
    if review.smoke is not None:
        lines += [f"Smoke test: {_smoke(review)}.", ""]
    if review.findings:
        lines += ["| | rule | place | reached by | code | why |", "|---|---|---|---|---|---|"]
        for finding in review.findings:
            mark = "**flag**" if finding.flags else finding.weight
            code = f"`{finding.evidence}`" if finding.evidence else ""
            cells = [mark, finding.rule, _place(finding), finding.reached + ("" if finding.on else " (off)"), code, finding.why]
            lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
        lines.append("")
    lines += [f"- Not decided: {point}." for point in review.undecided]
    lines += [f"Recommendation: {recommendation(review)}.", "", "Read statically by `bytegolf review`; nothing of the script was run."]
    return "\n".join(lines)


def recommendation(review: Review) -> str:
    """Return what a reviewer may do next."""
    flagged = {finding.rule for finding in review.flagged}
    if flagged == {"opaque"}:
        return "hold: ask the author for the source"
    if flagged:
        return "author action or close, once a human has read the lines named"
    if any(finding.on and finding.rule == "size" and finding.weight == "disputed" for finding in review.findings):
        return "author action: what stands beside the script says that it is over the cap"
    if any(finding.on and finding.weight == "disputed" for finding in review.findings):
        return "hold for a ruling on what is disputed; the usual checks besides"
    return "the usual checks: three seeds, size, both time limits"


def _verdict(review: Review) -> str:
    if review.verdict == "clean":
        off = sum(finding.weight == "violation" for finding in review.findings)
        return "clean" + (f"; {off} violation{'s' if off > 1 else ''} in code that was off" if off else "")
    first = review.flagged[0]
    return f"flag: {first.rule} at {_place(first)}: {first.why}"


def _place(finding: ReviewFinding) -> str:
    return f"{finding.file}:{finding.line}" if finding.line else finding.file


def _facts(review: Review) -> str:
    known = [f"{value:,} {name.replace('_', ' ')}" for name, value in review.facts.items() if value is not None]
    code = f"{review.code_bytes:,} bytes of code"
    if review.decoded_bytes > review.code_bytes:
        code += f" ({review.decoded_bytes:,} decoded)"
    if review.helper_bytes:
        code += f", {review.helper_bytes:,} in other files"
    claim = [] if review.claimed_bpb is None else [f"claims {review.claimed_bpb:.4f} bpb"]
    return ", ".join([*known, code, *claim])


def _smoke(review: Review) -> str:
    smoke = review.smoke
    assert smoke is not None
    stand_ins = f", with stand-ins for {', '.join(smoke.stand_ins)}" if smoke.stand_ins else ""
    return f"does not import ({smoke.problem}){stand_ins}" if smoke.problem else f"imports in {smoke.seconds:.2f} s{stand_ins}"
