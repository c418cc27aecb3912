# shellcheck shell=bash
# Running control planes: what hack/control-plane and hack/cluster share. To be sourced after kubernetes.sh.
#
# Each instance is a folder with a file named $MARKER in it, and no folder without it is ever removed. The file `env`
# has its settings; where that is, everything is there that is decided once.

# What a script that sources this sets: its kind of instance, what runs in one, and the variables that `env` keeps.
MARKER='' KIND='' PROGRAM_NAMES=() SETTINGS=()

wrong_usage() {
  say "${0##*/}: $*; see ${0##*/} --help"
  exit 2
}

instances() {
  local marker
  for marker in "$HACK_CACHE"/run/*/"$MARKER"; do
    [[ ! -e $marker ]] || dirname "$marker"
  done
}

# with_instance DIR FUNCTION ARGUMENTS...: enters the instance (the only one, where DIR is empty) and calls the
# function.
with_instance() {
  local dir=$1 found
  shift
  if [[ -z $dir ]]; then
    mapfile -t found < <(instances)
    case ${#found[@]} in
      0) die "there is no instance below $HACK_CACHE/run: name its folder, or start one (${0##*/} up)" ;;
      1) dir=${found[0]} ;;
      *) die "which one? There are ${#found[@]}:$(printf '\n  %s' "${found[@]}")" ;;
    esac
  fi
  [[ -e $dir/$MARKER ]] || die "$dir is not the folder of a $KIND"
  enter "$dir"
  [[ -e $DIR/env || $1 == down ]] || die "$dir was never started completely; remove it (${0##*/} down $dir)"
  "$@"
}

# enter DIR: sets DIR and what the instance's `env` file tells, and keeps other processes out of it until this
# one ends. The lock is file descriptor 8, which programs that are to go on must not get.
enter() {
  DIR=$(cd "$1" && pwd)
  exec 8<"$DIR"
  flock 8
  [[ -e $DIR/$MARKER ]] || die "another process has just removed $DIR"
  read_settings
}

# new_instance DIR: makes the folder (below the cache, where DIR is empty), unless it is there, and enters it.
new_instance() {
  local dir=$1
  umask 077
  if [[ -z $dir ]]; then
    make_cache
    mkdir -p "$HACK_CACHE/run"
    dir=$(mktemp -d "$HACK_CACHE/run/XXXXXX")
  elif [[ ! -e $dir/$MARKER ]]; then
    mkdir -p "$dir" || die "cannot make the folder $dir"
    [[ -z $(ls -A "$dir") ]] || die "$dir is neither empty nor the folder of a $KIND"
  fi
  touch "$dir/$MARKER"
  enter "$dir"
}

read_settings() {
  if [[ -e $DIR/env ]]; then
    # shellcheck source=/dev/null
    source "$DIR/env"
  fi
}

write_settings() {
  local name
  for name in "${SETTINGS[@]}"; do
    printf 'export %s=%q\n' "$name" "${!name}"
  done >"$DIR/env.new"
  mv "$DIR/env.new" "$DIR/env"
}

# What is decided once for every control plane; the addresses are left to the caller.
control_plane_settings() {
  # shellcheck disable=SC2034 # for those who source the file
  CONTROL_PLANE_DIR=$DIR
  CONTROL_PLANE_ID=lanyard-$(openssl rand -hex 8)
  CONTROL_PLANE_PROGRAMS=$PROGRAMS
  CONTROL_PLANE_VERSION=$("$PROGRAMS/kube-apiserver" --version | sed -E 's/^Kubernetes v//')
  CONTROL_PLANE_ISSUER=${HACK_ISSUER:-https://kubernetes.default.svc.cluster.local}
  CONTROL_PLANE_CONTROLLERS=no
  [[ ! -x $PROGRAMS/kube-controller-manager ]] || CONTROL_PLANE_CONTROLLERS=yes
  CONTROL_PLANE_CA=$DIR/pki/ca.crt
  CONTROL_PLANE_CERT=$DIR/pki/admin.crt
  CONTROL_PLANE_KEY=$DIR/pki/admin.key
  # shellcheck disable=SC2034 # for those who source the file
  KUBECONFIG=$DIR/kubeconfig
}

# free_port: by chance, so that instances that start at once seldom meet, and below the range from which the kernel
# takes ports for clients.
free_port() {
  local port
  while
    port=$((20000 + RANDOM % 12000))
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null
  do :; done
  echo "$port"
}

for_all() {
  local dir code=0 found
  mapfile -t found < <(instances)
  for dir in "${found[@]}"; do
    (with_instance "$dir" "$@") || code=1
  done
  return "$code"
}

status_of_all() {
  [[ $(instances) ]] || echo "no instance below $HACK_CACHE/run"
  for_all status
}

# ---------------------------------------------------------------------------------------------------------
# Processes

STARTED=()
# Set in an instance that is new, where choose_port may take another port than it did at first.
NEW=''

# start PROGRAM: runs it, unless it runs already, and waits until it is ready. In a new instance, a port that
# another process has taken meanwhile is replaced; an older instance keeps its ports, as others know them.
start() {
  local program=$1
  for _ in 1 2 3 4 5; do
    if ! running "$program"; then
      STARTED+=("$program")
      "launch_$program"
    fi
    if wait_until_ready "$program"; then
      return
    fi
    if [[ ! $NEW ]] || ! grep -q 'address already in use' "$DIR/$program.log"; then
      break
    fi
    end_process "$program"
    say "another process took the port of $program; choosing another port"
    choose_port "$program"
  done
  explain_failure "$program"
  exit 1
}

wait_until_ready() {
  local program=$1 deadline=$((SECONDS + 60))
  until "ready_$program"; do
    if ! [[ -e /proc/$(pid_of "$program")/exe ]] || ((SECONDS >= deadline)); then
      return 1
    fi
    sleep 0.1
  done
}

explain_failure() {
  local program
  for program in "${PROGRAM_NAMES[@]}"; do
    if [[ -e $DIR/$program.pid ]] && ! running "$program"; then
      say "$program has ended; the end of its log ($DIR/$program.log):"
      show_tail "$DIR/$program.log"
    elif [[ $program == "$1" ]]; then
      say "$program runs, but was not ready in time; the end of its log ($DIR/$program.log):"
      show_tail "$DIR/$program.log"
    fi
  done
}

# program_states: a line for each program; fails unless all run and are ready.
program_states() {
  local program state code=0
  for program in "${PROGRAM_NAMES[@]}"; do
    if [[ $program == kube-controller-manager && $CONTROL_PLANE_CONTROLLERS == no ]]; then
      state="not there: $CONTROL_PLANE_PROGRAMS has none"
    elif ! running "$program"; then
      state="stopped; its log: $DIR/$program.log"
      code=1
    elif ! "ready_$program"; then
      state="runs (process $(pid_of "$program")) but is not ready; its log: $DIR/$program.log"
      code=1
    else
      state="ready (process $(pid_of "$program"))"
    fi
    printf '  %-24s %s\n' "$program" "$state"
  done
  return "$code"
}

# The name tells this etcd from another instance's on the same port.
ready_etcd() { etcd_call cluster/member/list '{}' | grep -F "\"name\":\"$CONTROL_PLANE_ID\"" >/dev/null; }

ready_kube-apiserver() { apiserver_get /readyz >/dev/null; }

# Its port is closed. What it makes first, and what Pods cannot do without, tells that it works.
ready_kube-controller-manager() { apiserver_get /api/v1/namespaces/default/serviceaccounts/default >/dev/null; }

# etcd's HTTP gateway, as it needs no client program. What etcd refuses is in the answer.
etcd_call() { curl --silent --noproxy '*' --max-time 30 --data "$2" "$CONTROL_PLANE_ETCD_URL/v3/$1"; }

apiserver_get() {
  curl --silent --fail --noproxy '*' --max-time 30 --cacert "$CONTROL_PLANE_CA" \
    --cert "$CONTROL_PLANE_CERT" --key "$CONTROL_PLANE_KEY" "$CONTROL_PLANE_URL$1"
}

# launch FILE FLAGS...: starts the program so that it goes on when this script and its terminal end.
launch() {
  local file=$1 program=${1##*/}
  shift
  # Each start has a log of its own, so that what is searched or shown is about the last one.
  [[ ! -e $DIR/$program.log ]] || mv "$DIR/$program.log" "$DIR/$program.log.1"
  setsid "$file" "$@" </dev/null >"$DIR/$program.log" 2>&1 8<&- &
  echo $! >"$DIR/$program.pid"
  disown
}

launch_etcd() {
  # One member elects itself: short timeouts only make it start sooner. Data need not outlive a power failure,
  # so nothing waits for the disk. Nobody connects to the peer port.
  launch "$CONTROL_PLANE_PROGRAMS/etcd" --data-dir="$DIR/etcd" --unsafe-no-fsync --name="$CONTROL_PLANE_ID" \
    --heartbeat-interval=50 --election-timeout=250 \
    --listen-client-urls="$CONTROL_PLANE_ETCD_URL" --advertise-client-urls="$CONTROL_PLANE_ETCD_URL" \
    --listen-peer-urls=http://127.0.0.1:0 --initial-advertise-peer-urls=http://127.0.0.1:0 \
    --initial-cluster="$CONTROL_PLANE_ID=http://127.0.0.1:0"
}

# launch_apiserver FLAGS...: with those that a script's control plane has besides. Flags that not every version since
# 1.20 knows are given only to those that do.
launch_apiserver() {
  local flags=("$@")
  # Makes tokens come into Pods as they do today; from 1.22 on there is no choice.
  (($(minor_version) >= 22)) || flags+=(--feature-gates=BoundServiceAccountTokenVolume=true)
  # Of hack/control-plane add-key.
  [[ ! -e $DIR/pki/service-account-added.key ]] ||
    flags+=(--service-account-key-file="$DIR/pki/service-account-added.key")
  [[ ! -e $DIR/audit-policy.yaml ]] ||
    flags+=(--audit-policy-file="$DIR/audit-policy.yaml" --audit-log-path="$DIR/audit.log")
  launch "$CONTROL_PLANE_PROGRAMS/kube-apiserver" --etcd-servers="$CONTROL_PLANE_ETCD_URL" \
    --secure-port="${CONTROL_PLANE_URL##*:}" --allow-privileged=true --client-ca-file="$DIR/pki/ca.crt" \
    --tls-cert-file="$DIR/pki/apiserver.crt" --tls-private-key-file="$DIR/pki/apiserver.key" \
    --service-account-issuer="$CONTROL_PLANE_ISSUER" --api-audiences="$CONTROL_PLANE_ISSUER" \
    --service-account-signing-key-file="$DIR/pki/service-account.key" \
    --service-account-key-file="$DIR/pki/service-account.key" "${flags[@]}"
}

# write_audit_policy: where $HACK_AUDIT_LOG asks for it: who wrote what and when, and who held which Lease.
write_audit_policy() {
  [[ ${HACK_AUDIT_LOG:-} ]] || return 0
  cat >"$DIR/audit-policy.yaml" <<'YAML'
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: None
  verbs: [get, list, watch]
- level: RequestResponse
  resources: [{group: coordination.k8s.io, resources: [leases]}]
- level: Metadata
YAML
}

launch_kube-controller-manager() {
  local flags=()
  (($(minor_version) >= 22)) || flags+=(--feature-gates=BoundServiceAccountTokenVolume=true)
  # Up to 1.23 there is a second port, without TLS.
  (($(minor_version) >= 24)) || flags+=(--port=0)
  # Its default is a system folder, which would be made.
  if [[ $("$CONTROL_PLANE_PROGRAMS/kube-controller-manager" --help) == *--flex-volume-plugin-dir* ]]; then
    flags+=(--flex-volume-plugin-dir="$DIR/flex-volume-plugins")
  fi
  # The higher rates keep tests with thousands of objects from waiting.
  launch "$CONTROL_PLANE_PROGRAMS/kube-controller-manager" --kubeconfig="$DIR/controller-manager.kubeconfig" \
    --bind-address=127.0.0.1 --secure-port=0 --leader-elect=false \
    --use-service-account-credentials=true --controllers='*' --kube-api-qps=200 --kube-api-burst=400 \
    --root-ca-file="$DIR/pki/ca.crt" --service-account-private-key-file="$DIR/pki/service-account.key" \
    --cluster-signing-cert-file="$DIR/pki/ca.crt" --cluster-signing-key-file="$DIR/pki/ca.key" "${flags[@]}"
}

minor_version() { cut -d . -f 2 <<<"$CONTROL_PLANE_VERSION"; }

pid_of() { cat "$DIR/$1.pid" 2>/dev/null; }

# running PROGRAM: whether the process of that id is this instance's program, and no other that got the id later.
running() {
  local pid
  pid=$(pid_of "$1") && grep -qaF -- "/$1" "/proc/$pid/cmdline" 2>/dev/null &&
    grep -qaF -- "=$DIR/" "/proc/$pid/cmdline" 2>/dev/null
}

# end_process PROGRAM [SIGNAL]: ends it, and waits until it has ended.
end_process() {
  local program=$1 signal=${2:-TERM} pid deadline=$((SECONDS + 5))
  while running "$program"; do
    pid=$(pid_of "$program")
    kill "-$signal" "$pid" 2>/dev/null || true
    # An API server waits long for its watchers; nothing that is ended here is worth that.
    ((SECONDS < deadline)) || signal=KILL
    sleep 0.1
  done
  rm -f "$DIR/$program.pid"
}
