# shellcheck shell=bash
# Packages of the operating system, fetched and unpacked without installing them. To be sourced after lib.sh; all of it
# works in $WORK, the folder of new_work_folder: packages come to $WORK/apt, and are unpacked to $WORK/root.

# private_apt TOOL ARGUMENTS...: apt with lists and sources of its own, which also have the source packages.
# It changes nothing on the machine and needs no root.
private_apt() {
  local tool=$1
  shift
  "$tool" -o Dir::Etc::SourceList="$WORK/apt/sources.list" -o Dir::Etc::SourceParts="$WORK/apt/parts" \
    -o Dir::State::Lists="$WORK/apt/lists" -o Dir::Cache="$WORK/apt/cache" \
    -o APT::Sandbox::User="$(id -un)" -o Acquire::Languages=none -o Acquire::Retries=3 \
    -o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false "$@"
}

# The private sources are the machine's own, in both of apt's forms, each also as a source of source packages.
fetch_lists() {
  local file
  mkdir -p "$WORK/apt"/{parts,lists/partial,cache/archives/partial}
  : >"$WORK/apt/sources.list"
  for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
    [[ -r $file ]] || continue
    sed -nE 's/^[[:space:]]*deb[[:space:]]+(.*)/deb \1\ndeb-src \1/p' "$file" >>"$WORK/apt/sources.list"
  done
  for file in /etc/apt/sources.list.d/*.sources; do
    [[ -r $file ]] || continue
    sed -E 's/^Types:.*/Types: deb deb-src/I' "$file" >"$WORK/apt/parts/${file##*/}"
  done
  # Other repositories of the machine may have no source packages, or not answer: what counts is whether
  # the packages are found.
  private_apt apt-get update || echo "(going on with the lists that were fetched)"
}

# fetch_debian_lists SUITE: the private sources are this suite of Debian's alone, from where the machine has its own suite,
# and signed by a key of the machine's keyring of Debian's.
fetch_debian_lists() {
  local keyring=/usr/share/keyrings/debian-archive-keyring.gpg codename mirror
  codename=$(. /etc/os-release && [[ $ID == debian ]] && echo "$VERSION_CODENAME") ||
    { echo "This machine is no Debian." && return 1; }
  [[ -r $keyring ]] || { echo "There is no $keyring, by which the packages could be verified." && return 1; }
  mirror=$(apt-get indextargets --format '$(RELEASE) $(REPO_URI)' 'Created-By: Packages' |
    awk -v codename="$codename" '$1 == codename { print $2; exit }')
  [[ $mirror ]] || { echo "No package source of this machine has the suite $codename." && return 1; }
  mkdir -p "$WORK/apt"/{parts,lists/partial,cache/archives/partial}
  echo "deb [signed-by=$keyring] $mirror $1 main" >"$WORK/apt/sources.list"
  # What cannot be fetched or verified is an error, and no warning.
  private_apt apt-get -o APT::Update::Error-Mode=any update
}

# fetch_debs PACKAGE...
fetch_debs() {
  cd "$WORK/apt" || return
  private_apt apt-get download "$@"
}

# unpack_debs: all that was fetched, into $WORK/root.
unpack_debs() {
  local deb
  mkdir -p "$WORK/root"
  for deb in "$WORK"/apt/*.deb; do
    dpkg-deb --extract "$deb" "$WORK/root"
  done
}
