# Shared by the builders: an environment with the tools that build klapp's packages, every one held to tools.lock.

# tools ROOT: makes it in build/tools, or KLAPP_TOOLS, and sets $tools.
tools() {
    tools=${KLAPP_TOOLS:-$1/build/tools}
    empty_environment "$tools"
    say 'fetching the tools (a minute the first time)'
    "$tools/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: \
        -r "$1/installers/tools.lock" || fail 'the tools could not be installed; see the messages above'
    # The tools that fetch by themselves trust what this machine trusts.
    export UV_SYSTEM_CERTS=1 UV_NO_CONFIG=1
}

# The moment that stands in everything that is built: that of the last change, so that two builds give the same bytes.
moment() {
    SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git -C "$1" log -1 --format=%ct 2>/dev/null || stat -c %Y "$1/pyproject.toml")}
    export SOURCE_DATE_EPOCH LC_ALL=C.UTF-8 PYTHONHASHSEED=0
}

# build_with MODULE ROOT ARGUMENTS...: run a builder with its tools.
build_with() {
    builder=$1
    root=$2
    shift 2
    tools "$root"
    moment "$root"
    PYTHONPATH="$root/dsl:$root/agent:$root" exec "$tools/bin/python" -P -m "$builder" "$@"
}
