# Shared by the set-up scripts: finds Python and makes a virtual environment with klapp in it.

say() { printf '%s\n' "klapp: $*"; }
fail() { say "$*" >&2; exit 1; }

# The newest Python that klapp runs on.
find_python() {
    for candidate in python3.13 python3.12 python3.11 python3; do
        if command -v "$candidate" >/dev/null 2>&1 &&
            "$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null; then
            command -v "$candidate"
            return
        fi
    done
    return 1
}

# Debian's packages, for those that are missing.
packages() {
    missing=''
    for package in "$@"; do
        dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
    done
    [ -z "$missing" ] && return
    [ "$(id -u)" = 0 ] || fail "these packages are missing; install them as root, then run this again:$missing"
    say "installing Debian's$missing"
    export DEBIAN_FRONTEND=noninteractive
    apt-get -qq -o DPkg::Lock::Timeout=300 update >/dev/null
    # shellcheck disable=SC2086 # one word a package
    apt-get -qq -y -o DPkg::Lock::Timeout=300 install --no-install-recommends $missing >/dev/null ||
        fail 'the packages could not be installed; see the messages above'
}

# empty_environment PLACE: a virtual environment, made where there is none yet.
empty_environment() {
    venv=$1
    python=$(find_python) || fail 'there is no Python 3.11, 3.12 or 3.13; install one, then run this again'
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        packages python3-venv
    fi
    if [ ! -x "$venv/bin/python" ]; then
        say "making an environment in $venv"
        "$python" -m venv "$venv"
    fi
}

# environment PLACE WHAT: a virtual environment with klapp, as pip understands WHAT.
environment() {
    empty_environment "$1"
    say 'installing klapp and what it needs (a minute or two the first time)'
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check "$2" ||
        fail 'the installation failed; see the messages above'
}
