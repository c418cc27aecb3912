# shellcheck shell=bash
# Kubernetes' programs, certificates and kubeconfigs: what hack/control-plane and hack/cluster share. To be sourced
# after lib.sh and debian.sh.

# ---------------------------------------------------------------------------------------------------------
# The programs: two sets, each in a folder of its own in the cache, built by one recipe
#
# control-plane  etcd, kube-apiserver and kube-controller-manager
# node           what a node needs besides: bin (kube-scheduler, kube-proxy, kubelet, containerd, runc, iptables,
#                conntrack), lib and libexec (what those need), cni (network plug-ins), images (pause, busybox)

# Raise a set's number when what is built for it changes, so that no cache keeps what an older one made.
CONTROL_PLANE_RECIPE=1
NODE_RECIPE=1

# The sets that are being built.
BUILDING=()

# find_built SET...: find_folders, and builds those of the sets that are not there.
find_built() {
  find_folders
  is_built "$@" || with_lock kubernetes build_programs "$@"
}

# find_folders: sets PROGRAMS to the folder of the control plane's programs and NODE_PROGRAMS to that of a node's.
find_folders() {
  make_cache
  PROGRAMS=$HACK_CACHE/control-plane-$CONTROL_PLANE_RECIPE-$(uname -m)
  NODE_PROGRAMS=$HACK_CACHE/node-$NODE_RECIPE-$(uname -m)
}

folder_of() { if [[ $1 == node ]]; then echo "$NODE_PROGRAMS"; else echo "$PROGRAMS"; fi; }

# is_built SET...: whether all of them are there.
is_built() {
  local set
  for set; do
    [[ -d $(folder_of "$set") ]] || return 1
  done
}

building() { [[ " ${BUILDING[*]} " == *" $1 "* ]]; }

build_programs() {
  local log=$HACK_CACHE/kubernetes-build.log start=$SECONDS set
  BUILDING=()
  # Another process may have built some while this one waited for the lock.
  for set; do
    is_built "$set" || BUILDING+=("$set")
  done
  ((${#BUILDING[@]} > 0)) || return 0
  have apt-get || die "there is no apt-get here, so Kubernetes cannot be built${HINT:+
$HINT}"
  need_command xz xz-utils
  ! building node || need_command python3 python3
  new_work_folder kubernetes
  need_space 5000
  say "building Kubernetes from the operating system's packages: ${BUILDING[*]} (some minutes, once)"
  : >"$log"
  run_step "reading the package lists" "$log" find_source
  run_step "fetching packages and the source of Kubernetes" "$log" fetch_packages
  run_step "unpacking" "$log" unpack
  run_step "fixing the source: reflect2" "$log" fix_reflect2
  ! building control-plane || run_step "fixing the source: generating the OpenAPI definitions" "$log" generate_openapi
  run_step "compiling Kubernetes" "$log" compile_programs
  for set in "${BUILDING[@]}"; do
    run_step "gathering and trying the programs: $set" "$log" "gather_$set"
  done
  for set in "${BUILDING[@]}"; do
    mv -T "$WORK/$set" "$(folder_of "$set")"
  done
  drop_work_folder
  say "built in $((SECONDS - start)) s:$(for set in "${BUILDING[@]}"; do printf ' %s' "$(folder_of "$set")"; done)"
}

need_space() {
  local free
  free=$(df --output=avail -m "$WORK" | tail -n 1)
  ((free >= $1)) || die "building needs $1 MB in $HACK_CACHE, but only $free MB are free.
Free some space, or set HACK_CACHE to a folder on a larger disk."
}

# Kubernetes' source is what not every system's packages have.
find_source() {
  fetch_lists
  if ! private_apt apt-cache showsrc kubernetes | grep '^Package: kubernetes$'; then
    echo "The operating system's package sources have no source package 'kubernetes'."
    return 1
  fi
}

fetch_packages() {
  local packages=(golang-1.19-go golang-1.19-src golang-github-modern-go-reflect2-dev)
  ! building control-plane || packages+=(etcd-server)
  ! building node || packages+=(containerd runc containernetworking-plugins busybox-static iptables libip4tc2 libip6tc2
    libxtables12 conntrack libnetfilter-conntrack3 libnfnetlink0 libmnl0)
  fetch_debs "${packages[@]}"
  # Debian's patches are left out: all of them are about what kubectl prints.
  private_apt apt-get source --download-only kubernetes
}

unpack() {
  unpack_debs
  mkdir -p "$WORK"/{out,go/src/k8s.io/kubernetes}
  tar -xf "$WORK"/apt/kubernetes_*.orig.tar.* --strip-components=1 -C "$WORK/go/src/k8s.io/kubernetes"
}

# Kubernetes 1.20 has reflect2 1.0.1, which panics under Go 1.18 and later when a JSON object is created.
fix_reflect2() {
  local old=$WORK/go/src/k8s.io/kubernetes/vendor/github.com/modern-go/reflect2
  rm -r "$old"
  cp -r "$WORK/root/usr/share/gocode/src/github.com/modern-go/reflect2" "$old"
}

# go_build ARGUMENTS...: `go build` in the tree of Kubernetes, whatever Go settings the caller has.
go_build() {
  cd "$WORK/go/src/k8s.io/kubernetes" || return
  env -i PATH="$PATH" HOME="$WORK" TMPDIR="$WORK" GOROOT="$WORK/root/usr/lib/go-1.19" GOPATH="$WORK/go" \
    GOCACHE="$WORK/go-cache" GO111MODULE=off CGO_ENABLED=0 \
    "$WORK/root/usr/lib/go-1.19/bin/go" build -gcflags=all=-dwarf=false "$@"
}

# The tree of the source package lacks this generated file. Only the API server has need of it.
generate_openapi() {
  local packages
  go_build -o "$WORK/openapi-gen" ./vendor/k8s.io/kube-openapi/cmd/openapi-gen
  cd "$WORK/go/src/k8s.io/kubernetes" || return
  packages=$(find -L pkg vendor/k8s.io -name '*.go' -exec grep -lZ '+k8s:openapi-gen=true' {} + |
    xargs -0 -n 1 dirname | sort -u | grep -vE '^vendor/k8s.io/(code-generator|sample-apiserver)/' |
    sed 's#^#k8s.io/kubernetes/#' | paste -sd ,)
  # The generator runs `go` itself, to find packages.
  env -i PATH="$WORK/root/usr/lib/go-1.19/bin:$PATH" HOME="$WORK" GOROOT="$WORK/root/usr/lib/go-1.19" \
    GOPATH="$WORK/go" GOCACHE="$WORK/go-cache" GO111MODULE=off CGO_ENABLED=0 \
    "$WORK/openapi-gen" --logtostderr --input-dirs "$packages" --output-base "$WORK/go/src" \
    --output-package k8s.io/kubernetes/pkg/generated/openapi --output-file-base zz_generated.openapi \
    --go-header-file vendor/k8s.io/code-generator/hack/boilerplate.go.txt --report-filename "$WORK/report"
}

# All in one go, as the programs have most of their packages in common.
compile_programs() {
  local version major minor flags='-s -w' package commands=()
  # From kubernetes_1.20.5+really1.20.2.orig.tar.gz, say.
  version=$(basename "$WORK"/apt/kubernetes_*.orig.tar.* | sed -E 's/^kubernetes_(.*)\.orig\..*/\1/; s/.*really//')
  IFS=. read -r major minor _ <<<"$version"
  for package in component-base/version client-go/pkg/version; do
    package=k8s.io/kubernetes/vendor/k8s.io/$package
    flags+=" -X $package.gitVersion=v$version -X $package.gitMajor=$major -X $package.gitMinor=$minor"
    flags+=" -X $package.gitTreeState=archive -X $package.buildDate=$(date -u +%Y-%m-%dT%H:%M:%SZ)"
  done
  ! building control-plane || commands+=(./cmd/kube-apiserver ./cmd/kube-controller-manager)
  ! building node || commands+=(./cmd/kube-scheduler ./cmd/kube-proxy ./cmd/kubelet)
  # Without the clouds' built-in volumes and load balancers: they are a third of the code.
  go_build -tags providerless -ldflags "$flags" -o "$WORK/out/" "${commands[@]}"
}

gather_control-plane() {
  local set=$WORK/control-plane program
  mkdir "$set"
  mv "$WORK"/out/kube-{apiserver,controller-manager} "$set/"
  cp "$WORK/root/usr/bin/etcd" "$set/"
  for program in etcd kube-apiserver kube-controller-manager; do
    "$set/$program" --version
  done
}

gather_node() {
  local set=$WORK/node root=$WORK/root program
  # The images hold the modes of files, and not only root reads them.
  umask 022
  mkdir -p "$set"/{bin,lib,libexec,images}
  mv "$WORK"/out/{kube-scheduler,kube-proxy,kubelet} "$set/bin/"
  cp "$root"/usr/bin/{containerd,containerd-shim-runc-v2,ctr} "$root/usr/sbin/runc" "$set/bin/"
  cp -r "$root/usr/lib/cni" "$set/cni"
  cp -P "$root"/usr/lib/*-linux-gnu/lib{ip4tc,ip6tc,xtables,netfilter_conntrack,nfnetlink,mnl}.so.* "$set/lib/"
  cp -r "$root"/usr/lib/*-linux-gnu/xtables "$set/lib/"
  cp "$root/usr/sbin/xtables-legacy-multi" "$root/usr/sbin/conntrack" "$set/libexec/"
  for program in {ip,ip6}tables{,-save,-restore}; do
    write_wrapper "$program" "xtables-legacy-multi $program"
  done
  write_wrapper conntrack conntrack
  write_pause_image
  write_busybox_image
  for program in kube-scheduler kube-proxy kubelet containerd runc iptables ip6tables-restore conntrack; do
    "$set/bin/$program" --version
  done
}

# write_wrapper NAME COMMAND: the machine may lack the libraries, and its own iptables may be the other kind.
write_wrapper() {
  cat >"$WORK/node/bin/$1" <<SH
#!/bin/sh
set=\${0%/*}/..
LD_LIBRARY_PATH=\$set/lib XTABLES_LIBDIR=\$set/lib/xtables exec "\$set"/libexec/$2 "\$@"
SH
  chmod 755 "$WORK/node/bin/$1"
}

# What holds a pod's namespaces. With SIGCHLD ignored, the kernel buries the processes that it inherits.
write_pause_image() {
  mkdir "$WORK/pause"
  cat >"$WORK/pause.go" <<'GO'
package main

import (
	"os"
	"os/signal"
	"syscall"
)

func main() {
	signal.Ignore(syscall.SIGCHLD)
	end := make(chan os.Signal, 1)
	signal.Notify(end, syscall.SIGINT, syscall.SIGTERM)
	<-end
}
GO
  go_build -ldflags '-s -w' -o "$WORK/pause/pause" "$WORK/pause.go"
  write_image pause '{"Entrypoint": ["/pause"], "User": "65535:65535"}'
}

write_busybox_image() {
  local image=$WORK/busybox applet
  mkdir -p "$image"/{bin,etc,tmp}
  cp "$WORK/root/bin/busybox" "$image/bin/"
  for applet in $("$image/bin/busybox" --list); do
    [[ $applet == busybox ]] || ln -s busybox "$image/bin/$applet"
  done
  chmod 1777 "$image/tmp"
  printf 'root:x:0:0:root:/:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n' >"$image/etc/passwd"
  printf 'root:x:0:\nnogroup:x:65534:\n' >"$image/etc/group"
  write_image busybox '{"Cmd": ["sh"], "Env": ["PATH=/bin"]}'
}

# write_image NAME CONFIG: of the folder of that name.
write_image() { "$HACK/oci-image" "$WORK/node/images/$1.tar" "localhost/$1:1" "$2" "$WORK/$1"; }

# ---------------------------------------------------------------------------------------------------------
# Certificates and kubeconfigs, of the instance in DIR

# make_certificates ADDRESS... [-- FUNCTION]: those of the control plane, whose API server has these addresses besides
# loopback; then what the function makes.
make_certificates() {
  local log=$DIR/openssl.log addresses=() more=true
  while (($#)); do
    if [[ $1 == -- ]]; then more=$2 && break; fi
    addresses+=("$1")
    shift
  done
  mkdir -p "$DIR/pki"
  if ! { certificate_authority && service_account_key &&
    client_certificate admin /O=system:masters/CN=lanyard-admin &&
    client_certificate controller-manager /CN=system:kube-controller-manager &&
    certificate apiserver /CN=kube-apiserver "$(server_extensions "${addresses[@]}")" && "$more"; } >"$log" 2>&1; then
    show_tail "$log"
    die "could not make certificates with openssl (log: $log)"
  fi
}

certificate_authority() {
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 \
    -subj /CN=lanyard-control-plane -keyout "$DIR/pki/ca.key" -out "$DIR/pki/ca.crt"
}

# RSA, as in most clusters: tokens are then signed with RS256, which every verifier knows.
service_account_key() { openssl genrsa -out "$DIR/pki/service-account.key" 2048; }

server_extensions() {
  echo extendedKeyUsage=serverAuth
  printf 'subjectAltName=IP:127.0.0.1,DNS:localhost'
  printf ',IP:%s' "$@"
  printf ',DNS:%s' kubernetes kubernetes.default kubernetes.default.svc kubernetes.default.svc.cluster.local
}

client_certificate() { certificate "$1" "$2" extendedKeyUsage=clientAuth; }

# certificate NAME SUBJECT EXTENSIONS: a key and a certificate, signed by the instance's authority.
certificate() {
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "$2" \
    -keyout "$DIR/pki/$1.key" -out "$DIR/pki/$1.csr" &&
    openssl x509 -req -in "$DIR/pki/$1.csr" -CA "$DIR/pki/ca.crt" -CAkey "$DIR/pki/ca.key" -CAcreateserial \
      -days 3650 -extfile <(echo "$3") -out "$DIR/pki/$1.crt"
}

# write_kubeconfig FILE USER: for the user whose certificate has that name.
write_kubeconfig() {
  cat >"$1" <<YAML
apiVersion: v1
kind: Config
current-context: lanyard
contexts:
- name: lanyard
  context: {cluster: lanyard, user: $2, namespace: default}
clusters:
- name: lanyard
  cluster:
    server: ${CONTROL_PLANE_URL:-}
    certificate-authority-data: $(base64 -w 0 "$DIR/pki/ca.crt")
users:
- name: $2
  user:
    client-certificate-data: $(base64 -w 0 "$DIR/pki/$2.crt")
    client-key-data: $(base64 -w 0 "$DIR/pki/$2.key")
YAML
}
