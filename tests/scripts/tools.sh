# What the other scripts need of the machine, for `source`: each function returns when its tool is there, and else installs it or says what to install.

# A program installed by rustup lies where a fresh shell may not look yet.
export PATH="$PATH:${CARGO_HOME:-$HOME/.cargo}/bin"

# Says what is missing and what to do, and ends the script with status 2.
missing() {
    printf '%s\n' "$@" >&2
    exit 2
}

need_cargo() {
    command -v cargo >/dev/null || missing \
        "cargo was not found." \
        "Install Rust with rustup (https://rustup.rs), open a new shell, and run this again."
    local wanted have
    wanted=$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' Cargo.toml)
    have=$(rustc --version | cut -d ' ' -f 2)
    [ "$(printf '%s\n' "$wanted" "$have" | sort -V | head -n 1)" = "$wanted" ] || missing \
        "Rust $wanted or newer is needed, and this is $have." \
        "Run: rustup update stable"
}

# Two dependencies compile C: the tablet's SQLite and the server's TLS.
need_c_compiler() {
    command -v "${CC:-cc}" >/dev/null || missing \
        "A C compiler was not found." \
        "On Debian and Ubuntu run: sudo apt-get install --yes build-essential"
}

# Returns whether a test may mount a file system.
can_mount() {
    local folder mounted
    folder=$(mktemp -d) || return 1
    mount -t tmpfs tmpfs "$folder" 2>/dev/null && umount "$folder"
    mounted=$?
    rmdir "$folder"
    return "$mounted"
}

# need_component COMPONENT SUBCOMMAND
need_component() {
    cargo "$2" --version >/dev/null 2>&1 && return
    command -v rustup >/dev/null || missing \
        "cargo $2 was not found, and neither was rustup." \
        "Install the package of your system that brings $1, or Rust with rustup (https://rustup.rs)."
    rustup component add "$1" || missing "rustup could not add $1."
}

# need_tool NAME WHAT-IT-DOES [OPTION...]: cargo-NAME, built once, with these options of `cargo install`.
need_tool() {
    local name=$1 does=$2
    cargo "$name" --version >/dev/null 2>&1 && return
    echo "cargo-$name $does and is not here yet: building it, once."
    cargo install --locked "${@:3}" "cargo-$name" || missing \
        "cargo-$name could not be built." \
        "It needs the crate registry once; see the message above."
}

need_nextest() { need_tool nextest "runs the tests" --version 0.9.143; }
need_deny() { need_tool deny "checks the dependencies"; }
need_fuzz() { need_tool fuzz "builds the fuzz targets"; }
