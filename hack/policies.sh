# shellcheck shell=bash
# What the checks of the chart's admission policies share. To be sourced after lib.sh.
# shellcheck disable=SC2034 # PROGRAM and HELM are for those who source the file

# new_folder: sets HELM, and WORK to a folder that goes as the script ends.
new_folder() {
  HELM=$(hack/tools helm)
  WORK=$(mktemp -d)
  at_end end_work
  # Helm keeps what it knows of repositories and plugins in the user's folders: none of that matters here.
  export HELM_CACHE_HOME=$WORK/helm HELM_CONFIG_HOME=$WORK/helm HELM_DATA_HOME=$WORK/helm
}

# need_program WHAT: sets PROGRAM to what evaluates policies. Where it cannot be had, the script ends, and says that WHAT is
# skipped.
need_program() {
  local code=0
  PROGRAM=$(hack/admission-policy) || code=$?
  if ((code == 3)); then
    printf 'skipped: %s (hack/%s): its packages cannot be had, as is said above\n' "$1" "${0##*/}"
    exit
  fi
  ((code == 0)) || exit "$code"
}
