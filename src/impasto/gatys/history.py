"""What an optimization leaves beside its picture: TensorBoard's terms and pictures, a plot."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

from impasto.errors import InputError, train_extra
from impasto.files import check_log_folder, check_places, write_atomically
from impasto.gatys.optimize import Progress
from impasto.losses.perceptual import TERMS

logger = logging.getLogger(__name__)

IMAGE_EVERY = 50  # iterations


class History:
    """Takes every `Progress`; the plot is drawn at the end, however it comes.

    It is beside the point: what fails once the work has begun is logged, and ends nothing.
    """

    def __init__(self, *, log: Path | None, plot: Path | None, overwrite: bool) -> None:
        """Make the folders and load what draws, so that nothing fails for want of one afterwards.

        Args:
            log: folder for TensorBoard: scalars content, style, tv and total, pictures as image.
            plot: PNG of the loss curves.
            overwrite: whether `plot` may exist.

        Raises:
            InputError: one of them cannot be written.
        """
        self.curves: dict[str, list[float]] = {name: [] for name in ("iteration", *TERMS)}
        self.plot = plot
        self.board: Any = None
        self.last: Progress | None = None
        if plot is not None:
            _check_plot(plot, overwrite=overwrite)
        if log is not None:
            check_log_folder(log)
            check_places([log / "events"])
            with train_extra():
                from torch.utils.tensorboard import SummaryWriter

            self.board = SummaryWriter(log)

    def add(self, progress: Progress) -> None:
        """The terms; every `IMAGE_EVERY` iterations the picture too."""
        self.last = progress
        self.curves["iteration"].append(progress.iteration)
        for name in TERMS:
            self.curves[name].append(getattr(progress, name))
        with self._told("--log"):
            if self.board is not None:
                for name in TERMS:
                    self.board.add_scalar(name, getattr(progress, name), progress.iteration)
                if progress.iteration % IMAGE_EVERY == 0:
                    self.board.add_image("image", progress.image[0], progress.iteration)

    def __enter__(self) -> "History":
        """Nothing more to open."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """The last picture and the plot."""
        if self.last is None:
            return
        with self._told("--log"):
            if self.board is not None:
                if self.last.iteration % IMAGE_EVERY:
                    self.board.add_image("image", self.last.image[0], self.last.iteration)
                self.board.close()
        if self.plot is not None:
            with self._told(f"--plot {self.plot}"):
                write_atomically(self.plot, self._draw)

    @contextmanager
    def _told(self, flag: str) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # of three libraries and a disk
            self.board = None
            why = getattr(error, "strerror", None) or error
            logger.warning("%s is not written (%s)", flag, why)

    def _draw(self, path: Path) -> None:
        from matplotlib.figure import Figure

        figure = Figure(figsize=(8, 5), layout="constrained")
        axes = figure.subplots()
        for name in TERMS:
            if any(self.curves[name]):
                axes.semilogy(self.curves["iteration"], self.curves[name], label=name)
        axes.set_xlabel("iteration")
        axes.set_ylabel("loss")
        axes.grid(alpha=0.3)
        axes.legend()
        figure.savefig(path, format="png", dpi=120)


def _check_plot(plot: Path, *, overwrite: bool) -> None:
    if plot.suffix.lower() != ".png":
        raise InputError(f"--plot {plot} is not a PNG file: its name must end in .png")
    if plot.exists() and not overwrite:
        raise InputError(f"{plot} exists: --overwrite replaces it, --plot names another")
    check_places([plot])
    try:
        with train_extra():
            import matplotlib.figure  # noqa: F401
    except ValueError as error:  # of the environment: MPLBACKEND, matplotlibrc
        why = str(error).partition(";")[0]
        raise InputError(f"--plot needs matplotlib, which does not load: {why}") from error
