"""A contact sheet: small pictures in groups, each with a caption."""

import math
from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

GAP, BETWEEN = 8, 24  # pixels between pictures, and between groups
LINE, FONT = 22, 14  # heights of a caption and of its letters, pixels
INK = "#333333"
Cell = tuple[Image.Image, str]  # a picture of mode "RGB" and what is written below it


def draw_sheet(groups: Sequence[Sequence[Cell]], *, side: int) -> Image.Image:
    """Lay groups of pictures out on white, so that the sheet is about as wide as high.

    Args:
        groups: pictures of at most `side`² pixels; there must be one.
        side: of a cell, pixels. Rows are as high as their highest picture.

    Returns:
        An image of mode "RGB".
    """
    many = max(map(len, groups))
    wide = many * (side + GAP) - GAP + BETWEEN
    across = min(len(groups), max(1, round(math.sqrt(len(groups) * (side + LINE) / wide))))
    rows = [groups[start : start + across] for start in range(0, len(groups), across)]
    heights = [max(cell.height for group in row for cell, _ in group) + LINE for row in rows]
    size = across * wide + BETWEEN, sum(heights) + (len(rows) + 1) * BETWEEN
    sheet = Image.new("RGB", size, "white")
    pen, font, top = ImageDraw.Draw(sheet), ImageFont.load_default(FONT), BETWEEN
    for row, height in zip(rows, heights, strict=True):
        for column, group in enumerate(row):
            for place, (picture, caption) in enumerate(group):
                left = BETWEEN + column * wide + place * (side + GAP)
                down = top + height - LINE
                sheet.paste(picture, (left + (side - picture.width) // 2, down - picture.height))
                text = shortened(caption, font, side)
                pen.text((left + side // 2, down + LINE // 2), text, INK, font, anchor="mm")
        top += height + BETWEEN
    return sheet


def shortened(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: int) -> str:
    """A caption that fits, without its middle if need be: 'IMG_2026…0017.jpg'."""
    kept = len(text)
    shown = text
    while font.getlength(shown) > width and kept > 2:
        kept -= 1
        shown = text[: kept - kept // 2] + "…" + text[len(text) - kept // 2 :]
    return shown
