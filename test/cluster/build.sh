#!/usr/bin/env bash
# Makes sure that a real control plane is there: kube-apiserver, etcd, kube-controller-manager, and the two kubectls that
# the tests drive. Builds what is missing from its Go modules, once, into a cache outside the tree (about seven minutes on
# two cores); later runs only look. Progress goes to stderr; stdout carries one NAME=PATH line for each binary.
#
#   KUBEBUILDER_ASSETS   a folder that has kube-apiserver, etcd and kubectl already; what it lacks is built to match
#   KUBE_VERSION, KUBE_OLDER_VERSION, ETCD_VERSION, XDG_CACHE_HOME
set -euo pipefail

kube=${KUBE_VERSION:-1.34.4}
older=${KUBE_OLDER_VERSION:-1.32.9}
etcd=${ETCD_VERSION:-3.6.16}
cache=${XDG_CACHE_HOME:-$HOME/.cache}/streamfleet
assets=${KUBEBUILDER_ASSETS:-}
# etcd asks for this one; Kubernetes for less.
minimum_go=1.26
toolchain=1.26.8

say() { echo "test cluster: $*" >&2; }
fail() { say "$*"; exit 1; }
# at_least 1.24 1.26.8
at_least() { [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]; }

go_version() { GOTOOLCHAIN=local go env GOVERSION 2>/dev/null | sed -nE 's/^go([0-9]+(\.[0-9]+)*).*/\1/p'; }

install_go() {
  if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    say "there is no go: installing Debian's"
    apt-get update -qq >&2 || true
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends golang-go ca-certificates >&2 || true
  fi
  command -v go >/dev/null ||
    fail "building a control plane needs Go: install it from https://go.dev/dl/ (any version, $minimum_go or newer is best) and put it on the PATH"
}

# Debian's Go may be years older than what Kubernetes asks for. Newer toolchains are published as Go modules, checked
# against Go's checksum database like any other, so that an old Go can fetch a new one; only the executable bits are lost.
fetch_toolchain() {
  local version="v0.0.1-go$toolchain.$(go env GOOS)-$(go env GOARCH)" folder
  say "go is $(go_version), the build needs $minimum_go: fetching Go $toolchain"
  folder=$(cd "$work" && go mod download -json "golang.org/toolchain@$version" | sed -n 's/.*"Dir": "\(.*\)".*/\1/p')
  [ -d "$folder" ] || fail "Go $toolchain could not be fetched: install it from https://go.dev/dl/ and put it on the PATH"
  chmod +x "$folder"/bin/* "$folder"/pkg/tool/*/*
  unset GOROOT
  export PATH="$folder/bin:$PATH"
}

require_go() {
  command -v go >/dev/null || install_go
  at_least "$minimum_go" "$(go_version)" || fetch_toolchain
  export GOTOOLCHAIN=local
}

# k8s.io/kubernetes replaces its staging repositories by relative paths, which count only in a main module: so it is
# required from a module of our own that replaces each by its published version (1.34.4 is v0.34.4 there).
kubernetes_module() { # folder version
  local gomod
  mkdir -p "$1" && cd "$1"
  printf 'module example.test/kubernetes\n\ngo %s.0\n\nrequire k8s.io/kubernetes v%s\n' "$minimum_go" "$2" >go.mod
  gomod=$(go mod download -json "k8s.io/kubernetes@v$2" | sed -n 's/.*"GoMod": "\(.*\)".*/\1/p')
  { grep -oE '^[[:space:]]+k8s.io/[a-z-]+ => \./staging' "$gomod" || true; } | awk '{ print $1 }' | sort -u |
    while read -r module; do echo "replace $module => $module v0.${2#1.}"; done >>go.mod
}

etcd_module() { # folder version
  mkdir -p "$1" && cd "$1"
  printf 'module example.test/etcd\n\ngo %s.0\n\nrequire go.etcd.io/etcd/server/v3 v%s\n' "$minimum_go" "$2" >go.mod
}

# build TARGET PACKAGE VERSION, in the module of the current folder. The binary appears under its name only when whole.
build() {
  local stamp=k8s.io/component-base/version
  say "building $(basename "$1") $3 (one to four minutes)"
  go build -mod=mod -trimpath -o "$1.partial" \
    -ldflags "-s -w -X $stamp.gitVersion=v$3 -X $stamp.gitMajor=1 -X $stamp.gitMinor=$(cut -d. -f2 <<<"$3")" "$2"
  mv "$1.partial" "$1"
}

build_kubernetes() { # folder version name...
  local folder=$1 version=$2 name
  shift 2
  require_go
  kubernetes_module "$work/kubernetes-$version" "$version"
  for name; do build "$folder/$name" "k8s.io/kubernetes/cmd/$name" "$version"; done
}

build_etcd() { # folder
  require_go
  etcd_module "$work/etcd" "$etcd"
  build "$1/etcd" go.etcd.io/etcd/server/v3 "$etcd"
}

# One build at a time for each folder: the second waits, then finds everything there.
ensure() { # folder version name...
  local folder=$1 version=$2 name kubernetes=()
  shift 2
  mkdir -p "$folder"
  exec 9>"$folder/.lock"
  if command -v flock >/dev/null && ! flock --nonblock 9; then
    say "waiting for another build of $folder"
    flock 9
  fi
  for name; do
    if [ -x "$folder/$name" ]; then continue; fi
    if [ "$name" = etcd ]; then build_etcd "$folder"; else kubernetes+=("$name"); fi
  done
  if [ "${#kubernetes[@]}" -gt 0 ]; then build_kubernetes "$folder" "$version" "${kubernetes[@]}"; fi
  exec 9>&-
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

servers=(etcd kube-apiserver kube-controller-manager kubectl)
missing=("${servers[@]}")
if [ -n "$assets" ]; then
  [ -x "$assets/kube-apiserver" ] || fail "KUBEBUILDER_ASSETS=$assets has no kube-apiserver: point it at a folder that has one, or unset it"
  kube=$("$assets/kube-apiserver" --version | sed -nE 's/^Kubernetes v([0-9.]+).*/\1/p')
  missing=()
  for name in "${servers[@]}"; do [ -x "$assets/$name" ] || missing+=("$name"); done
  if [ "${#missing[@]}" -gt 0 ]; then
    say "KUBEBUILDER_ASSETS=$assets has no ${missing[*]}: taking version $kube from $cache/kube-$kube, built if need be"
  fi
fi

if [ "${#missing[@]}" -gt 0 ]; then ensure "$cache/kube-$kube" "$kube" "${missing[@]}"; fi
ensure "$cache/kube-$older" "$older" kubectl

for name in "${servers[@]}"; do
  if [ -n "$assets" ] && [ -x "$assets/$name" ]; then echo "$name=$assets/$name"; else echo "$name=$cache/kube-$kube/$name"; fi
done
echo "kubectl-older=$cache/kube-$older/kubectl"
