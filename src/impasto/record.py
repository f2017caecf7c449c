"""What an optimisation leaves beside its picture: TensorBoard's terms and pictures, a plot."""

from pathlib import Path
from types import TracebackType

from impasto.errors import InputError
from impasto.files import write_atomically
from impasto.gatys import Progress
from impasto.losses import TERMS

IMAGE_EVERY = 50  # iterations


class Record:
    """Takes every `Progress`; the plot is drawn at the end, however it comes."""

    def __init__(self, *, log: Path | None, plot: Path | None, overwrite: bool) -> None:
        """Make the folders, so that nothing fails for want of one after the work.

        Args:
            log: folder for TensorBoard: scalars content, style, tv and total, pictures as image.
            plot: PNG of the loss curves.
            overwrite: whether `plot` may exist.

        Raises:
            InputError: one of them cannot be written.
        """
        self.curves: dict[str, list[float]] = {name: [] for name in ("iteration", *TERMS)}
        self.plot = plot
        self.board = None
        self.last: Progress | None = None
        try:
            if plot is not None:
                _check_plot(plot, overwrite=overwrite)
            if log is not None:
                from torch.utils.tensorboard import SummaryWriter

                self.board = SummaryWriter(log)
        except OSError as error:
            raise InputError(
                f"cannot write {error.filename} ({error.strerror}): choose another place"
            ) from error

    def add(self, progress: Progress) -> None:
        """The terms; every `IMAGE_EVERY` iterations the picture too."""
        self.last = progress
        self.curves["iteration"].append(progress.iteration)
        for name in TERMS:
            self.curves[name].append(getattr(progress, name))
        if self.board is not None:
            for name in TERMS:
                self.board.add_scalar(name, getattr(progress, name), progress.iteration)
            if progress.iteration % IMAGE_EVERY == 0:
                self.board.add_image("image", progress.image[0], progress.iteration)

    def __enter__(self) -> "Record":
        """Nothing more to open."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """The last picture and the plot. Raises InputError if that cannot be written any more."""
        if self.last is None:
            return
        if self.board is not None:
            if self.last.iteration % IMAGE_EVERY:
                self.board.add_image("image", self.last.image[0], self.last.iteration)
            self.board.close()
        if self.plot is not None:
            try:
                write_atomically(self.plot, self._draw)
            except OSError as failure:
                raise InputError(
                    f"cannot write {self.plot} ({failure.strerror}): --plot names another place"
                ) from failure

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
        raise InputError(f"--plot {plot} is no PNG: end its name in .png")
    if plot.exists() and not overwrite:
        raise InputError(f"{plot} exists: --overwrite replaces it, --plot names another")
    plot.parent.mkdir(parents=True, exist_ok=True)
