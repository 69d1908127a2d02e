#!/bin/sh
# Write docs/images/report.png: the top of a page that petrg makes of a full-size digital patient. Needs chromium.
set -eu
cd "$(dirname "$0")/.."
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
.venv/bin/petrg phantom --seed "${SEED:-1}" -o "$home/study"
.venv/bin/petrg report "$home/study" -o "$home/report" --language en
chromium --headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking \
    --disable-component-update --disable-sync --user-data-dir="$home/profile" --hide-scrollbars \
    --window-size=1280,1560 --screenshot="$home/page.png" "file://$home/report/report.html"
.venv/bin/python - "$home/page.png" docs/images/report.png <<'PY'
import sys

from PIL import Image

image = Image.open(sys.argv[1]).convert("RGB")
image = image.resize((960, round(image.height * 960 / image.width)), Image.Resampling.LANCZOS)
image.quantize(128).save(sys.argv[2], optimize=True)
PY
ls -l docs/images/report.png
