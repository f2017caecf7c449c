"""What stylize.py does not do: overwrite, mix up pictures, eat its results, print tracebacks."""

from pathlib import Path

import pytest
from graphs import save_negative
from PIL import Image

from impasto.cli import stylize


def photo(name: str) -> str:
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (20, 16), "teal").save(name)
    return name


def run(*words: str, model: str = "negative") -> int:
    return stylize.main(["--model", model, *words])


def files(folder: str = ".") -> set[str]:
    """What lies below a folder, apart from the styles."""
    found = {path.relative_to(folder).as_posix() for path in Path(folder).rglob("*.*")}
    return {name for name in found if not name.startswith("checkpoints")}


def errors(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """The lines on stderr without the name of the program, which each must have."""
    lines = capsys.readouterr().err.splitlines()
    assert all(line.startswith("impasto stylize: ") for line in lines)
    return [line.removeprefix("impasto stylize: ") for line in lines]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty current folder with one style in it."""
    save_negative(tmp_path / "checkpoints/negative/negative.onnx", name="negative")
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("output", [[], ["-o", "out"], ["-o", "a_negative.png"]])
def test_a_picture_that_exists_is_left_alone(
    output: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    photo("a.png")
    old = Path("out/a_negative.png" if "out" in output else "a_negative.png")
    old.parent.mkdir(exist_ok=True)
    old.write_bytes(b"precious")
    assert run("a.png", *output) == 2
    assert errors(capsys) == [f"{old} exists: --overwrite replaces it, -o names another"]
    assert old.read_bytes() == b"precious"
    assert run("a.png", *output, "--overwrite") == 0
    assert Image.open(old).getpixel((0, 0)) == (255, 127, 127)


def test_a_bad_photo_does_not_stop_the_good_ones(capsys: pytest.CaptureFixture[str]) -> None:
    photo("in/a.png")
    photo("in/c.png")
    Path("in/b.png").write_text("no picture")
    assert run("in", "missing.png") == 1
    assert files("in") == {"a.png", "b.png", "c.png", "a_negative.png", "c_negative.png"}
    bad, missing, count = errors(capsys)
    assert bad.startswith("cannot read in/b.png: ")
    assert missing.startswith("cannot read missing.png: ")
    assert count == "2 of 4 pictures were not made"


def test_when_all_are_bad_the_code_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    Path("b.png").write_text("no picture")
    assert run("b.png", "missing.png") == 2
    assert [line.split(":")[0] for line in errors(capsys)] == [
        "cannot read b.png",
        "cannot read missing.png",
        "2 of 2 pictures were not made",
    ]


@pytest.mark.parametrize("output", ["a.gif", "file/below.png", "file"])
def test_a_place_that_takes_no_picture_is_named(
    output: str, capsys: pytest.CaptureFixture[str]
) -> None:
    photo("a.png")
    Path("file").write_text("no folder")
    assert run("a.png", "-o", output) == 2
    (line,) = errors(capsys)
    assert line.startswith(f"cannot write {output}")
    assert files() == {"a.png"}
    assert Path("file").read_text() == "no folder"


def test_several_photos_do_not_fit_into_one_file(capsys: pytest.CaptureFixture[str]) -> None:
    photo("in/a.png")
    photo("in/b.png")
    assert run("in", "-o", "c.png") == run("in/a.png", "in/b.png", "-o", "c.png") == 2
    assert errors(capsys) == ["c.png is one file for 2 photos: name a folder"] * 2
    assert files() == {"in/a.png", "in/b.png"}


def test_two_photos_never_become_one_picture(capsys: pytest.CaptureFixture[str]) -> None:
    first, second = photo("a/x.jpg"), photo("b/x.jpg")
    assert run(first, second, "-o", "out", "--overwrite") == 2
    assert errors(capsys) == [
        f"{first} and {second} both become out/x_negative.jpg: name two folders"
    ]
    assert files() == {first, second}


def test_what_cannot_keep_its_suffix_keeps_it_in_the_name_beside_one_that_can() -> None:
    for name in ("in/scan.png", "in/scan.tif", "in/scan.gif", "in/scan.jpg", "in/other.tif"):
        photo(name)
    Image.new("RGB", (20, 16), "white").save("in/scan.tif")
    made = {"scan_negative.png", "scan.tif_negative.png", "scan.gif_negative.png"}
    made |= {"scan_negative.jpg", "other_negative.png"}
    assert run("in", "-o", "out") == 0
    assert files("out") == made
    assert Image.open("out/scan.tif_negative.png").getpixel((0, 0)) == (0, 0, 0)
    before = files("in")
    assert run("in") == run("in") == run("in", "--overwrite") == 0  # results are no photos
    assert files("in") == before | made


LONG = "x" * 248


def test_a_name_that_is_as_long_as_may_be_is_cut(capsys: pytest.CaptureFixture[str]) -> None:
    names = [f"in/{LONG}a.jpg", f"in/{LONG}b.jpg", f"in/{'é' * 124}.png", "in/short.png"]
    for name in names:
        photo(name)
    assert run("in", "-o", "out") == 0
    made = sorted(files("out"))
    assert len(made) == 4
    assert all(len(name.encode()) <= 255 and "_negative." in name for name in made)
    assert [name[:200] for name in made[1:3]] == [LONG[:200]] * 2
    before = files("in")
    assert run("in") == run("in") == 0
    assert len(files("in") - before) == 4  # results are no photos
    capsys.readouterr()
    assert run(names[0], "y" * 300, "-o", "out", "--overwrite") == 1
    assert errors(capsys)[0].startswith("cannot read " + "y" * 300 + ": File name too long")


@pytest.mark.parametrize("flag", ["--model", "-o", "--config"])
def test_a_name_that_is_too_long_for_a_file_is_a_sentence(
    flag: str, capsys: pytest.CaptureFixture[str]
) -> None:
    photo("a.png")
    assert stylize.main(["a.png", flag, "y" * 300]) == 2
    (line,) = errors(capsys)
    assert "y" * 300 in line
    assert files() == {"a.png"}


def test_photos_of_one_stem_but_two_formats_get_along() -> None:
    assert run(photo("x.jpg"), photo("x.png")) == 0
    assert files() == {"x.jpg", "x.png", "x_negative.jpg", "x_negative.png"}


def test_a_photo_that_is_named_twice_is_done_once(capsys: pytest.CaptureFixture[str]) -> None:
    photo("in/a.png")
    assert run("in/a.png", "in", "in/../in/a.png") == 0
    assert capsys.readouterr().out.startswith("[1/1] in/a_negative.png")


@pytest.mark.parametrize("output", [None, "in", "in/out", "."])
def test_results_are_no_photos_the_second_time(output: str | None) -> None:
    photo("in/a.png")
    photo("in/x/b.jpg")
    words = ["in", *(["-o", output] if output else [])]
    assert run(*words) == 0
    made = files()
    assert len(made) == 4
    (first, second) = (path for path in map(Path, sorted(made)) if "_negative" in path.name)
    first.write_bytes(b"precious")
    assert run(*words) == 0
    assert first.read_bytes() == b"precious"
    assert run(*words, "--overwrite") == 0
    assert files() == made
    assert Image.open(first).size == Image.open(second).size


def test_a_new_photo_among_old_results_is_found(capsys: pytest.CaptureFixture[str]) -> None:
    photo("in/a.png")
    assert run("in") == 0
    photo("in/b.png")
    capsys.readouterr()
    assert run("in") == 0
    assert files("in") == {"a.png", "a_negative.png", "b.png", "b_negative.png"}
    out, err = capsys.readouterr()
    assert out.startswith("1 exist already: --overwrite makes them again\n[1/1] in/b_negative.png")
    assert err == ""


@pytest.mark.parametrize("output", ["out", "."])
def test_what_only_looks_like_a_result_is_a_photo(output: str) -> None:
    for name in ("in/old_negative.png", "in/_negative.png", "in/b.png", "in/b_other.png"):
        photo(name)
    assert run("in", "-o", output) == 0
    assert {path.name for path in Path(output).glob("*.png")} == {
        "old_negative_negative.png",
        "_negative_negative.png",
        "b_negative.png",
        "b_other_negative.png",
    }


def test_a_result_is_stylized_again_when_it_is_named() -> None:
    photo("a.png")
    assert run("a.png") == run("a_negative.png") == 0
    again = Image.open("a_negative_negative.png").getpixel((0, 0))
    assert again == Image.open("a.png").getpixel((0, 0))


def test_a_folder_without_photos_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    Path("empty").mkdir()
    assert run("empty") == 2
    assert errors(capsys) == ["no photographs in empty: name files or folders"]


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["--model", "nope", "a.png"], "no style 'nope': give an .onnx file or a name; "),
        (["--model", "a.png", "a.png"], "a.png is not an ONNX file, it is a PNG image: "),
        (["--size", "0", "a.png"], "--size is 0: give at least 16"),
        (["--sizes", "100", "a.png"], "unrecognized arguments: --sizes"),
        (["--config", "none.yaml", "a.png"], "cannot read --config none.yaml (No such file"),
    ],
)
def test_bad_usage_is_one_line_and_code_2(
    words: list[str], part: str, capsys: pytest.CaptureFixture[str]
) -> None:
    photo("a.png")
    assert stylize.main(words) == 2
    (line,) = errors(capsys)
    assert line.startswith(part)
    assert files() == {"a.png"}
