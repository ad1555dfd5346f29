#!/bin/bash
# SPDX-License-Identifier: MIT
#
# build-uml.sh - build a minimal User Mode Linux kernel for testing a DRM module
#
# usage: build-uml.sh [VERSION[-kasan]]  VERSION: 6.1 (default), 6.12, 7.2: Debian's linux-source-VERSION
#
# With -kasan the kernel finds wild accesses of memory as well, and is about three times as slow.
# Prints the path of the `linux` binary as its only line on standard output; progress goes to standard error.
# Nothing is done if the same source and fragments were built before. A version that Debian's configured
# suites do not carry needs its tarball by UML_TARBALL, or an unpacked tree by UML_TREE.
#
# environment
#   UML_CACHE    where sources and builds are kept         (default ~/.cache/vgpu/uml, or below
#                $XDG_CACHE_HOME; about 1.2 GiB a version)
#   UML_TARBALL  source tarball                            (default /usr/src/linux-source-VERSION.tar.xz,
#                or what scripts/guest-kernel --source fetches)
#   UML_TREE     clean unpacked source tree, used as it is instead of a tarball
#   UML_FRAGS    more configuration fragments to lay on top, e.g. one with CONFIG_KASAN=y
#   UML_JOBS     parallel jobs                             (default: number of processors)
#   UML_NICE     niceness of the build                     (default 10)
#   CC           host compiler                             (default gcc; gcc 12 builds all three versions)
#
# An out-of-tree module is then built with
#   make -C "$(dirname "$(build-uml.sh)")" ARCH=um SUBARCH=x86_64 M="$PWD" modules
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
case ${1:-} in -h|--help) sed -n '/^# build-uml/,/^set/s/^# \{0,1\}//p' "$0"; exit 0;; esac
name=${1:-6.1}
version=${name%-kasan}
cache=${UML_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/vgpu/uml}
tarball=${UML_TARBALL:-/usr/src/linux-source-$version.tar.xz}
jobs=${UML_JOBS:-$(nproc)}

say() { echo "build-uml: $*" >&2; }
die() { say "$*"; exit 1; }

[[ $version =~ ^[0-9]+\.[0-9]+$ ]] || die "VERSION must look like 6.1, not '$version'"

install_packages() {
	say "installing $*"
	[ "$(id -u)" = 0 ] || die "not root: run 'apt-get install $*' first"
	DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@" >&2 ||
		die "apt-get could not install $* (try 'apt-get update', or set UML_TARBALL)"
}

missing=()
for tool in make gcc flex bison bc xz; do
	command -v "$tool" >/dev/null || missing+=("${tool/#xz/xz-utils}")
done
[ ${#missing[@]} = 0 ] || install_packages "${missing[@]}" libc6-dev

mkdir -p "$cache"
exec 9>"$cache/$version.lock"
flock -n 9 || { say "waiting for another build of $version"; flock 9; }

# What the source is: a tree is known by its path and Makefile, a tarball by its name, size and date.
if [ -n "${UML_TREE:-}" ]; then
	tree=$(cd "$UML_TREE" && pwd)
	source_id="$tree $(sha256sum < "$tree/Makefile")"
else
	tree=$cache/linux-source-$version
	if [ ! -e "$tarball" ] && [ -z "${UML_TARBALL:-}" ]; then
		# scripts/setup installs 6.1's where the machine's own suite has it
		tarball=$("$here/../../scripts/guest-kernel" --source "$version") || die "no source of $version"
	fi
	[ -e "$tarball" ] || die "no tarball at $tarball"
	source_id=$(stat -c '%n %s %Y' "$tarball")
fi

frags=("$here/uml.frag")
[ ! -e "$here/uml-$version.frag" ] || frags+=("$here/uml-$version.frag")
[ "$name" = "$version" ] || frags+=("$here/uml-kasan.frag")
for f in ${UML_FRAGS:-}; do frags+=("$(realpath -e "$f")"); done

build=$cache/build-$name
stamp=$(printf '%s\n' "$source_id" "$(cat "${frags[@]}" | sha256sum)" "${CC:-gcc}")
if [ -x "$build/linux" ] && [ "$(cat "$build/.stamp" 2>/dev/null)" = "$stamp" ]; then
	say "$name is already built"
	echo "$build/linux"
	exit 0
fi

if [ -z "${UML_TREE:-}" ] && [ "$(cat "$tree/.source-id" 2>/dev/null)" != "$source_id" ]; then
	say "unpacking $tarball"
	rm -rf "$tree"
	mkdir "$tree"
	# the excluded trees are half of the size and of no use to UML
	nice -n "${UML_NICE:-10}" tar -xf "$tarball" -C "$tree" --strip-components=1 \
		--exclude='*/arch/*/boot/dts' --exclude='*/Documentation/devicetree' \
		--exclude='*/drivers/gpu/drm/amd/include/asic_reg'
	echo "$source_id" > "$tree/.source-id"
fi

# What was configured by the same and interrupted goes on.
if [ "$(cat "$build/.begun" 2>/dev/null)" != "$stamp" ]; then
	rm -rf "$build"
	mkdir "$build"
fi
log=$build/build.log
run_make() {
	nice -n "${UML_NICE:-10}" make -C "$tree" O="$build" ARCH=um SUBARCH=x86_64 ${CC:+CC="$CC"} "$@" \
		>> "$log" 2>&1 9>&- || { tail -n 30 "$log" >&2; die "make $1 failed; the whole log is $log"; }
}

configure() {
	say "configuring"
	run_make tinyconfig
	cat "${frags[@]}" >> "$build/.config"
	run_make olddefconfig
	options='HOSTFS VIRTIO_UML UML_PCI_OVER_VIRTIO MODULES DRM DRM_VIRTIO_GPU SYNC_FILE PROVE_LOCKING'
	[ "$name" = "$version" ] || options="$options KASAN"
	for option in $options; do
		grep -qE "^CONFIG_$option=[ym]" "$build/.config" ||
			die "CONFIG_$option did not survive the configuration"
	done
	echo "$stamp" > "$build/.begun"
}
[ -e "$build/.begun" ] || configure

say "compiling with $jobs jobs (2 to 6 minutes on 2 cores); progress is in $log"
SECONDS=0
run_make -j"$jobs" linux
run_make -j"$jobs" modules
echo "$stamp" > "$build/.stamp"
say "built in $SECONDS s"
echo "$build/linux"
