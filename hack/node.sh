# shellcheck shell=bash
# What hack/cluster's node is made of: its cgroups, its namespaces, what is mounted and connected in them, and the
# programs that run there. To be sourced after instances.sh.
#
# Outside there is one process, `keep`, which only waits for the node's end. All else, pods included, is in the node's
# cgroups, which is how it is found and ended, whatever became of process ids.

# ---------------------------------------------------------------------------------------------------------
# Cgroups (of version 1): one folder for each controller, below the caller's own, so that its limits hold

# cgroups_here: a line for each: the hierarchy as `mount` names it, and the folder of this process in it.
cgroups_here() {
  local all line controllers path
  # All of it first: the file changes while a process moves.
  mapfile -t all </proc/self/cgroup
  for line in "${all[@]}"; do
    IFS=: read -r _ controllers path <<<"$line"
    [[ $controllers ]] || continue
    path=/sys/fs/cgroup/${controllers#name=}${path%/}
    # In a container, the file may tell paths of the machine, while only the container's own part is mounted.
    [[ -d $path ]] || path=/sys/fs/cgroup/${controllers#name=}
    echo "$controllers $path"
  done
}

# make_cgroups: and DIR/cgroups, with a line for each folder.
make_cgroups() {
  local controllers parent folder
  : >"$DIR/cgroups"
  while read -r controllers parent; do
    folder=$parent/$CONTROL_PLANE_ID
    echo "$folder" >>"$DIR/cgroups"
    mkdir -p "$folder" || return
    if [[ $controllers == *cpuset* ]]; then
      # A new one has none, and would take no process.
      cat "$parent/cpuset.cpus" >"$folder/cpuset.cpus"
      cat "$parent/cpuset.mems" >"$folder/cpuset.mems"
    fi
  done < <(cgroups_here)
}

# enter_cgroups: moves this process, or subshell.
enter_cgroups() {
  local folder
  while read -r folder; do
    echo "$BASHPID" >"$folder/cgroup.procs" || return
  done <"$DIR/cgroups"
}

# node_cgroups: those of make_cgroups that are there.
node_cgroups() {
  local folder
  [[ -e $DIR/cgroups ]] || return 0
  while read -r folder; do
    # Whatever the file says, only what is named for an instance is one's own.
    [[ $folder != */lanyard-* || ! -d $folder ]] || echo "$folder"
  done <"$DIR/cgroups"
}

# in_cgroups: the processes of the node, with pods.
in_cgroups() {
  local folder
  while read -r folder; do
    find "$folder" -name cgroup.procs -exec cat {} + 2>/dev/null || true
  done < <(node_cgroups) | sort -u
}

# end_cgroups: kills all that is in them, and removes them.
end_cgroups() {
  local folder pid deadline=$((SECONDS + 20))
  while [[ $(node_cgroups) ]]; do
    ((SECONDS < deadline)) || die "these cgroups cannot be removed:"$'\n'"$(node_cgroups)"
    # One of them is the first of the node's processes, and with it the kernel ends the others.
    for pid in $(in_cgroups); do
      # The kernel says 0 for one that this process must not see.
      ((pid == 0)) || kill -KILL "$pid" 2>/dev/null || true
    done
    while read -r folder; do
      find "$folder" -depth -type d -exec rmdir {} + 2>/dev/null || true
    done < <(node_cgroups)
    sleep 0.05
  done
}

# ---------------------------------------------------------------------------------------------------------
# Namespaces

# in_namespaces FUNCTION: becomes the first process of namespaces of its own, and calls the function there. To be called
# in a subshell; all of that ends when the shell does that started it.
in_namespaces() {
  exec setpriv --pdeathsig KILL env -i HOME="${HOME:-/}" TERM="${TERM:-dumb}" HACK_CACHE="$HACK_CACHE" \
    CLUSTER_PROGRAMS="$CLUSTER_PROGRAMS" PATH="$CLUSTER_PROGRAMS/bin:$SYSTEM_PATH" \
    unshare --mount --uts --ipc --pid --cgroup --fork --kill-child "$HACK/cluster" internal "$DIR" "$1"
}

# Not the caller's, which may have other programs of the same names.
SYSTEM_PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

# mount_all: what must not be the machine's.
mount_all() {
  local cgroups controllers folder setting name
  cgroups=$(awk -F: '$2 {print $2}' /proc/self/cgroup)
  hostname node
  mount -t proc proc /proc
  umount -R -l /sys
  mount -t sysfs sysfs /sys
  mount -t tmpfs -o mode=755 cgroup /sys/fs/cgroup
  for controllers in $cgroups; do
    folder=/sys/fs/cgroup/${controllers#name=}
    mkdir -p "$folder"
    [[ $controllers != name=* ]] || controllers=none,$controllers
    mount -t cgroup -o "$controllers" cgroup "$folder"
  done
  mount -t tmpfs -o mode=755 tmpfs /run
  mount -t tmpfs -o mode=755 tmpfs /var/lib
  mkdir -p /run/lock /run/settings /var/lib/cni "$DIR/log"
  mount --bind "$DIR/log" /var/log
  # kubelet would set these on the machine: it finds them set.
  for setting in vm/overcommit_memory=1 vm/panic_on_oom=0 kernel/panic=10 kernel/panic_on_oops=1 \
    kernel/keys/root_maxkeys=1000000 kernel/keys/root_maxbytes=25000000; do
    name=/run/settings/$(basename "${setting%=*}")
    echo "${setting#*=}" >"$name"
    mount --bind "$name" "/proc/sys/${setting%=*}"
  done
  # What is mounted below is to reach the pods.
  mount --make-rshared /
}

# connect ADDRESS/BITS: one interface, and forwarding between it and the pods'.
connect() {
  ip link set lo up
  # Not every kernel has interfaces of type dummy.
  ip link add node0 type veth peer name node1
  ip link set node0 up
  ip link set node1 up
  # A Service's address must be routable, before iptables rewrites it.
  if [[ $1 == *:* ]]; then
    ip address add "$1" dev node0 nodad
    ip -6 route add default dev node0
    set_kernel ipv6/conf/all/forwarding=1 bridge/bridge-nf-call-ip6tables=1
  else
    ip address add "$1" dev node0
    ip route add default dev node0
    # No cloud's metadata service is here: whoever asks learns that at once.
    ip route add unreachable 169.254.0.0/16
    set_kernel ipv4/ip_forward=1 bridge/bridge-nf-call-iptables=1
  fi
}

# set_kernel SETTING=VALUE...: below net, of this network namespace.
set_kernel() {
  local setting file
  for setting; do
    file=/proc/sys/net/${setting%=*}
    [[ -e $file ]] || die "the kernel has no $file: run 'modprobe br_netfilter'"
    echo "${setting#*=}" >"$file"
  done
}

# try_namespaces, and from there try_network: what a node does first, to see whether it can.
try_namespaces() {
  mount_all
  mkdir /run/{lower,upper,work,merged}
  mount -t overlay -o lowerdir=/run/lower,upperdir=/run/upper,workdir=/run/work overlay /run/merged
  exec unshare --net "$HACK/cluster" internal "$DIR" try_network
}

try_network() {
  have ip || return 0
  connect 10.250.0.1/24
  ip link add cni0 type bridge
  # Before they are built, there is nothing to try.
  [[ -d $CLUSTER_PROGRAMS ]] || return 0
  iptables -t nat -A POSTROUTING -m comment --comment tried -m statistic --mode random --probability 0.5 -j MASQUERADE
  iptables -A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
}

# ---------------------------------------------------------------------------------------------------------
# The processes of a node: keep, outside; boot and run, one after the other the first process inside

# keep: makes the node, waits for its end, and removes its cgroups. Until it is told "stay" on standard input, by an
# `up` that has succeeded, the node ends with whoever holds the other side.
keep() {
  local node word code
  make_cgroups
  { enter_cgroups && in_namespaces boot; } </dev/null &
  node=$!
  while [[ -e /proc/$node/exe ]]; do
    code=0
    read -r -t 0.2 word || code=$?
    [[ ${word:-} != stay ]] || break
    # More than 128: nothing was said so far.
    ((code > 128)) || kill -KILL "$node" 2>/dev/null || true
  done
  wait "$node" || true
  end_cgroups
}

# boot: the namespaces but that of the network, where the relay must be of both.
boot() {
  local pid
  # /proc is still the machine's, and so is the number.
  read -r pid _ </proc/self/stat
  echo "$pid" >"$DIR/node.pid"
  # Containers' root folders are made with it: others than root must be able to enter them.
  umask 022
  mount_all
  : >/run/network
  unshare --net=/run/network true
  read -r < <(exec "$HACK/relay" "${CONTROL_PLANE_URL##*:}" /run/network) ||
    die "cannot listen at $CONTROL_PLANE_URL: another process may have taken the port"
  exec nsenter --net=/run/network "$HACK/cluster" internal "$DIR" run
}

run() {
  # What kubelet has for AWS, though built without, waits for the metadata service.
  export AWS_EC2_METADATA_DISABLED=true
  connect "$CLUSTER_ADDRESS/$CLUSTER_ADDRESS_BITS"
  launch_containerd
  start etcd
  launch_kube-apiserver
  start containerd
  import "$CLUSTER_PROGRAMS"/images/*.tar
  start kube-apiserver
  launch_kube-controller-manager
  launch_kube-scheduler
  launch_kube-proxy
  start kubelet
  start kube-controller-manager
  touch "$DIR/ready"
  # As the first process it also buries the others.
  while :; do
    sleep 86400 &
    wait $! || true
  done
}

import() {
  local file
  for file; do
    ctr --namespace k8s.io images import "$file"
  done
}

# ---------------------------------------------------------------------------------------------------------
# Its programs

ready_containerd() { ctr --connect-timeout 1s version >/dev/null 2>&1; }

# These say nothing of themselves.
ready_kube-scheduler() { running kube-scheduler; }
ready_kube-proxy() { running kube-proxy; }

# The node is ready, by what kubelet has reported since it started: an older node's object may say so from before.
ready_kubelet() {
  local since
  since=$(date -u -r "$DIR/kubelet.pid" +%FT%TZ)
  [[ ! $(apiserver_get /api/v1/nodes/node | tr -d ' \n' |
    sed -nE 's/.*"type":"Ready","status":"True","lastHeartbeatTime":"([^"]*)".*/\1/p') < $since ]]
}

launch_containerd() { launch "$CLUSTER_PROGRAMS/bin/containerd" --config="$DIR/containerd.toml"; }

launch_kube-apiserver() {
  launch_apiserver --advertise-address="$CLUSTER_ADDRESS" --bind-address=:: \
    --service-cluster-ip-range="$CLUSTER_SERVICES" \
    --authorization-mode=Node,RBAC --enable-admission-plugins=NodeRestriction \
    --kubelet-certificate-authority="$DIR/pki/ca.crt" --kubelet-preferred-address-types=InternalIP \
    --kubelet-client-certificate="$DIR/pki/apiserver-kubelet.crt" \
    --kubelet-client-key="$DIR/pki/apiserver-kubelet.key"
}

launch_kube-scheduler() {
  launch "$CLUSTER_PROGRAMS/bin/kube-scheduler" --kubeconfig="$DIR/scheduler.kubeconfig" --leader-elect=false \
    --port=0 --secure-port=0
}

launch_kube-proxy() { launch "$CLUSTER_PROGRAMS/bin/kube-proxy" --config="$DIR/proxy.yaml"; }

launch_kubelet() {
  launch "$CLUSTER_PROGRAMS/bin/kubelet" --config="$DIR/kubelet.yaml" --kubeconfig="$DIR/node.kubeconfig" \
    --hostname-override=node --node-ip="$CLUSTER_ADDRESS" --root-dir="$DIR/kubelet" --cert-dir="$DIR/kubelet/pki" \
    --container-runtime=remote --container-runtime-endpoint=unix:///run/containerd/containerd.sock
}

# ---------------------------------------------------------------------------------------------------------
# Their files

node_certificates() {
  client_certificate scheduler /CN=system:kube-scheduler &&
    client_certificate proxy /CN=system:kube-proxy &&
    client_certificate node /O=system:nodes/CN=system:node:node &&
    client_certificate apiserver-kubelet /O=system:masters/CN=apiserver-kubelet &&
    certificate kubelet /CN=node $'extendedKeyUsage=serverAuth\nsubjectAltName=DNS:node,IP:'"$CLUSTER_ADDRESS"
}

write_node_files() {
  local everywhere=0.0.0.0/0
  [[ $CLUSTER_ADDRESS != *:* ]] || everywhere=::/0
  mkdir -p "$DIR/cni"
  cat >"$DIR/containerd.toml" <<TOML
version = 2
root = "$DIR/containerd"
state = "/run/containerd"
disabled_plugins = [
  "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.snapshotter.v1.zfs", "io.containerd.internal.v1.opt",
]
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "localhost/pause:1"
  disable_apparmor = true
  # Without CAP_SYS_RESOURCE, as in many containers, no process may be made less likely to be ended than its parent.
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "$CLUSTER_PROGRAMS/cni"
    conf_dir = "$DIR/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      BinaryName = "$CLUSTER_PROGRAMS/bin/runc"
TOML
  cat >"$DIR/cni/10-pods.conflist" <<JSON
{"cniVersion": "0.4.0", "name": "pods", "plugins": [
  {"type": "bridge", "bridge": "cni0", "isGateway": true, "ipMasq": true, "hairpinMode": true,
   "ipam": {"type": "host-local", "dataDir": "/run/cni-addresses", "ranges": [[{"subnet": "$CLUSTER_PODS"}]],
            "routes": [{"dst": "$everywhere"}]}},
  {"type": "portmap", "capabilities": {"portMappings": true}}]}
JSON
  # There is no DNS server at that address: pods find Services by their addresses.
  echo "nameserver $CLUSTER_DNS" >"$DIR/resolv.conf"
  # No eviction for the disk's sake, which is the machine's; and the node's state soon, else it is ready after 10 s.
  cat >"$DIR/kubelet.yaml" <<YAML
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
address: "$CLUSTER_ADDRESS"
authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: $DIR/pki/ca.crt}}
authorization: {mode: Webhook}
tlsCertFile: $DIR/pki/kubelet.crt
tlsPrivateKeyFile: $DIR/pki/kubelet.key
cgroupDriver: cgroupfs
clusterDNS: ["$CLUSTER_DNS"]
clusterDomain: cluster.local
evictionHard: {memory.available: 0%, nodefs.available: 0%, nodefs.inodesFree: 0%, imagefs.available: 0%}
failSwapOn: false
featureGates: {BoundServiceAccountTokenVolume: true}
imageGCHighThresholdPercent: 100
nodeStatusUpdateFrequency: 1s
resolvConf: $DIR/resolv.conf
volumePluginDir: $DIR/kubelet/volume-plugins
YAML
  # The limits of connection tracking are the machine's. With the address named, it does not wait for the node's object.
  cat >"$DIR/proxy.yaml" <<YAML
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
bindAddress: "$CLUSTER_ADDRESS"
clientConnection: {kubeconfig: $DIR/proxy.kubeconfig}
clusterCIDR: "$CLUSTER_PODS"
conntrack: {maxPerCore: 0, min: 0, tcpEstablishedTimeout: 0s, tcpCloseWaitTimeout: 0s}
hostnameOverride: node
mode: iptables
YAML
}
