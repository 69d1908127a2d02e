#!/bin/sh
# Make sure that the interpreter $1 can build a virtual environment; on Debian as root, install what is missing.
set -eu
python=$1
if [ -z "$python" ]; then
    echo "no Python 3.11 or later was found: install one, or name it with make PYTHON=/path/to/python3" >&2
    exit 1
fi
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "$python is older than Python 3.11: name a later one with make PYTHON=/path/to/python3" >&2
    exit 1
}
"$python" -c 'import ensurepip, venv' 2>/dev/null && exit 0
version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
if [ -f /etc/debian_version ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    export DEBIAN_FRONTEND=noninteractive
    apt-get -qq update
    apt-get -qq install -y "python$version-venv" || apt-get -qq install -y python3-venv
    "$python" -c 'import ensurepip, venv' && exit 0
fi
echo "$python has no venv module: install it (Debian, Ubuntu: sudo apt-get install python$version-venv) and run make again" >&2
exit 1
