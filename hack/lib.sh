# shellcheck shell=bash
# What the scripts of this folder share. To be sourced: `source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"`.
#
# Everything that is built or fetched lives in one cache outside the clone. Standard output belongs to
# the scripts' results; whatever is said to a person goes to standard error.

# This folder.
# shellcheck disable=SC2034 # for those who source the file
HACK=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
HACK_CACHE=${HACK_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/lanyard}

# What functions here set. The environment may have such names, too: WORK is removed at the end.
WORK='' STEP_PID='' HINT=''
# With which code `die` ends the script.
DIE_CODE=1

say() { printf '%s\n' "$*" >&2; }

die() {
  say "${0##*/}: $*"
  exit "$DIE_CODE"
}

have() { command -v "$1" >/dev/null 2>&1; }

# make_cache: the cache is there and can be written to, and its path is absolute.
make_cache() {
  if ! mkdir -p "$HACK_CACHE" || [[ ! -w $HACK_CACHE ]]; then
    die "cannot write to the cache $HACK_CACHE: set HACK_CACHE to a folder that you own"
  fi
  HACK_CACHE=$(cd "$HACK_CACHE" && pwd)
}

# as_root COMMAND...: runs it as root, by sudo where that is needed.
as_root() {
  if ((EUID == 0)); then
    "$@"
  elif have sudo; then
    sudo "$@"
  else
    say "  not root, and there is no sudo"
    return 1
  fi
}

# need_command COMMAND PACKAGE: installs the operating system's package unless the command is there.
need_command() {
  ! have "$1" || return 0
  need_package "$2" "for the command '$1', which is missing"
  have "$1" || die "the package $2 was installed, but the command '$1' is still missing"
}

# need_libyaml: what the build needs of libyaml is there, and pkg-config, which tells the compiler where.
need_libyaml() {
  need_command pkg-config pkg-config
  pkg-config --exists yaml-0.1 || need_package libyaml-dev "the YAML library that Lanyard is built with"
}

# need_package PACKAGE WHY: installs the operating system's package.
need_package() {
  local package=$1 why=$2 log
  have apt-get || die "needed: $package, $why. Install it by hand and try again"
  say "installing the package $package, $why"
  make_cache
  log=$HACK_CACHE/install-$package.log
  # The second try is for a machine whose package lists are old or were never fetched.
  if ! apt_install "$package" >"$log" 2>&1 &&
    ! { as_root apt-get update && apt_install "$package"; } >>"$log" 2>&1; then
    show_tail "$log"
    say "the whole log: $log"
    die "could not install the package $package; install it by hand and try again"
  fi
}

apt_install() {
  as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get -o DPkg::Lock::Timeout=300 install --yes --no-install-recommends "$@"
}

show_tail() { tail -n 20 "$1" 2>/dev/null | sed 's/^/  | /' >&2 || true; }

# with_lock NAME COMMAND...: only one process of all that share the cache runs it at a time.
with_lock() {
  local name=$1 lock
  shift
  make_cache
  exec {lock}>"$HACK_CACHE/$name.lock"
  if ! flock --nonblock "$lock"; then
    say "waiting for another process that does the same ($name)"
    flock "$lock"
  fi
  "$@"
  exec {lock}>&-
}

# new_work_folder NAME: sets WORK to an empty folder in the cache, on the file system of its results, so
# that these can be moved into place at once. It goes when the script ends, however that is. Call it under
# the lock NAME: what an earlier, killed process left behind is then nobody's, and goes too.
new_work_folder() {
  rm -rf "$HACK_CACHE/work/$1".*
  mkdir -p "$HACK_CACHE/work"
  WORK=$(mktemp -d "$HACK_CACHE/work/$1.XXXXXX")
  at_end end_work
}

# drop_work_folder: removes it while the script goes on, since large ones take half a minute. Without the lock of with_lock and
# the streams, for whose ends others wait.
drop_work_folder() {
  rm -rf "$WORK" >/dev/null 2>&1 {lock}>&- &
  WORK=
}

# at_end FUNCTION: calls it when the script ends, also by a signal.
at_end() {
  # shellcheck disable=SC2064 # now is right
  trap "$1" EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
}

end_step() {
  [[ $STEP_PID ]] || return 0
  # All of its process group: what it started may still run, even if it does not.
  kill -- "-$STEP_PID" 2>/dev/null || true
  wait "$STEP_PID" 2>/dev/null || true
  STEP_PID=
}

end_work() {
  end_step
  if [[ $WORK ]]; then
    # Compilers that were told to end may still write for a moment.
    rm -rf "$WORK" 2>/dev/null || { sleep 1 && rm -rf "$WORK"; }
    WORK=
  fi
}

# run_step WHAT LOG COMMAND...: runs it with its output in the log, and tells how long it takes. When it
# fails, the end of the log is shown and the script ends; HINT, if set, says what can be done.
run_step() {
  local what=$1 log=$2 start=$SECONDS next=$((SECONDS + 15)) code=0
  shift 2
  say "$what"
  printf '\n==> %s\n' "$what" >>"$log"
  # Job control gives the step a process group of its own, so that all of it can be ended.
  set -m
  ("$@") </dev/null >>"$log" 2>&1 &
  STEP_PID=$!
  set +m
  while kill -0 "$STEP_PID" 2>/dev/null; do
    sleep 0.2
    if ((SECONDS >= next)); then
      say "  ... $((SECONDS - start)) s"
      next=$((SECONDS + 15))
    fi
  done
  wait "$STEP_PID" || code=$?
  end_step
  if ((code != 0)); then
    show_tail "$log"
    say "the whole log: $log"
    die "this step failed (exit code $code): $what${HINT:+
$HINT}"
  fi
  say "  done in $((SECONDS - start)) s"
}
