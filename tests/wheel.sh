#!/usr/bin/env bash
# Build the wheel, install it with nothing but what it needs, and use it in an empty folder.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
work=${1:-$(mktemp -d)}  # where all of it lies; kept if it was named
[ $# -gt 0 ] || trap 'rm -rf "$work"' EXIT
unset PYTHONPATH
mkdir -p "$work/here"

"${PYTHON:-python3}" -m venv --clear "$work/venv"
python=$work/venv/bin/python
impasto=$work/venv/bin/impasto
"$python" -m pip wheel --quiet --no-deps --wheel-dir "$work/wheel" "$root"
"$python" -m pip install --quiet "$work"/wheel/impasto-*.whl
ls -lh "$work"/wheel/impasto-*.whl
cd "$work/here"
rm -rf ./*
"$python" -c "import importlib.util as u; assert u.find_spec('torch') is None"
cp "$("$python" -c 'import impasto.images.io as io; print(io.sample_photos()[0])')" photo.jpg

echo "--- the commands"
"$impasto" --version
"$impasto" --help
"$impasto" styles | grep -A 1 starry
"$impasto" stylize photo.jpg --size 256
"$impasto" stylize --model the_scream photo.jpg --size 256 -o scream.jpg
"$python" -m impasto stylize --model mondrian photo.jpg --size 256
"$impasto" stylize --painting starry.jpg photo.jpg --size 256 -o any.jpg --save-style mine
"$impasto" stylize --painting mine photo.jpg --size 256 -o again.jpg
cmp any.jpg again.jpg
test -s photo_starry.jpg && test -s scream.jpg && test -s photo_mondrian.jpg

"$python" -c "from impasto.data.locate import find_style as f; assert f('starry.jpg').is_file()"

echo "--- the README's Python, as printed"
sed -n '/^```python$/,/^```$/p' "$root/README.md" | sed '/^```/d' > snippet.py
"$python" snippet.py
ls ./*.png

echo "--- what needs the train extra says so"
code=0
"$impasto" train --preset quick --style starry.jpg 2> said || code=$?
cat said
test "$code" = 2
grep -q "pip install" said
echo "the wheel works"
