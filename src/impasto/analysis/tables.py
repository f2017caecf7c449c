"""Studies as Markdown: Johnson's Table 1 and the spread of N; the numbers of `judge`."""

from typing import Any

Spread = dict[str, float] | None


def to_markdown(record: dict[str, Any]) -> str:
    """Two tables, a row a size and a row a photograph, under what was compared with what."""
    protocol, trained = record["protocol"], record["trained"]
    marks = list(record["summary"][0]["losses"]) if record["summary"] else []
    lines = [
        f"# How many iterations of Gatys' method {trained['model']} matches",
        "",
        "N is the first iteration whose loss is no higher than the network's. "
        f"L-BFGS from {protocol['start']}, at most {protocol['iterations']} "
        "iterations, clipped inside the closure, no line search; the loss of "
        f"{trained.get('preset', 'its training')} "
        f"({trained['encoder']}, {trained['style']} at {trained['style_size']} px). Mean ± "
        f"standard deviation over photographs. {record['machine']}.",
        "",
        *_rows(
            "short side",
            "photographs",
            "N",
            "least … most",
            *(f"loss at {mark}" for mark in marks),
            "network",
            "content image",
            f"s, {protocol['iterations']} iterations",
            "s to N",
            "s, network",
            "speed-up",
        ),
        *(_size_row(row, marks) for row in record["summary"]),
        "",
        *_notes(record["summary"], protocol["iterations"]),
        *_rows("photograph", "short side", "N", "network", "content image", "speed-up", "remark"),
        *(_photo_row(result) for result in record["results"]),
    ]
    return "\n".join(lines) + "\n"


def verdicts_to_markdown(record: dict[str, Any]) -> str:
    """Means, a row for whatever was judged, then a row a photograph."""
    photos, means = record["photos"], record["mean"]
    notes = [
        f"{row['photo']}, {name}: {verdict['note']}."
        for row in photos
        for name, verdict in row["verdicts"].items()
        if verdict["note"]
    ]
    lines = [
        f"# Judged by {record['encoder']}",
        "",
        f"Style: {record['style']} at {record['style_size']} px. Mean of {len(photos)} "
        f"photographs, short side {record['size']} px. Kept: 1 is the photograph itself, about 0 "
        "another one. Style error: 0 is the painting.",
        "",
        *_rows("picture", "kept", "style error"),
        *(_row(name, *_verdict(verdict)) for name, verdict in means.items()),
        "",
        *_rows("kept at style error", *means),
        *(
            _row(row["photo"], *(" at ".join(_verdict(row["verdicts"][name])) for name in means))
            for row in photos
        ),
        *(["", *notes] if notes else []),
    ]
    return "\n".join(lines) + "\n"


def _verdict(verdict: dict[str, Any]) -> list[str]:
    return [f"{verdict['kept']:.3f}", f"{verdict['style_error']:.3f}"]


def _size_row(row: dict[str, Any], marks: list[str]) -> str:
    seconds, bound = row["seconds"], "≥ " if row["never_reached"] else ""
    matches = row["matches"]
    return _row(
        f"{row['size']} px",
        row["counted"],
        bound + _pair(matches, ".0f"),
        f"{matches['least']:.0f} … {bound}{matches['most']:.0f}" if matches else "",
        *(_pair(row["losses"][mark], ".3g") for mark in marks),
        _pair(row["network"], ".3g"),
        _pair(row["content_image"], ".3g"),
        _pair(seconds["gatys"], ".3g"),
        _pair(seconds["to_reach"], ".3g"),
        _pair(seconds["network"], ".3g"),
        f"{bound}{row['speed_up']['mean']:,.0f}×" if row["speed_up"] else "",
    )


def _photo_row(result: dict[str, Any]) -> str:
    remark = "restarted once" if result["restarts"] else ""
    if result["trouble"] and result["trouble"] != result["matches"]:
        remark = f"{result['trouble']} later"
    bound = ">" if str(result["matches"]).startswith(">") else ""
    return _row(
        result["photo"],
        f"{result['size']} px",
        result["matches"],
        f"{result['network']['total']:.4g}",
        f"{result['content_image']:.4g}",
        f"{bound}{result['speed_up']:,.0f}×" if result["speed_up"] is not None else "",
        remark,
    )


def _notes(summary: list[dict[str, Any]], iterations: int) -> list[str]:
    notes = []
    for row in summary:
        told = {
            f"better than the whole curve, counted as {iterations}": row["never_reached"],
            "worse than the content image, counted as 0": row["worse_than_content"],
            "stalled or diverged, not counted": row["stalled_or_diverged"],
        }
        said = "; ".join(f"{count} {what}" for what, count in told.items() if count)
        notes += [f"Of {row['photos']} at {row['size']} px: {said}.", ""] if said else []
    return notes


def _rows(*titles: object) -> list[str]:
    return [_row(*titles), "|---" * len(titles) + "|"]


def _row(*cells: object) -> str:
    return "| " + " | ".join(map(str, cells)) + " |"


def _pair(values: Spread, form: str) -> str:
    return f"{values['mean']:{form}} ± {values['std']:{form}}" if values else ""
