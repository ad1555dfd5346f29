#!/bin/bash
# SPDX-License-Identifier: MIT
# test-install.sh - configure refuses nonsense; what install puts, uninstall removes
set -uo pipefail
top=$(cd "$(dirname "$0")/../.." && pwd)
B=${B:-build}
case $B in /*) ;; *) B=$top/$B ;; esac
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
number=0 failed=0
check() { # name, command...
	local name=$1 output
	shift
	number=$((number + 1))
	if output=$("$@" 2>&1); then
		echo "ok $number $name"
	else
		echo "not ok $number $name"
		echo "$output" | tail -n 15 | sed 's/^/# /'
		failed=1
	fi
}

# A copy of what configure and install read, so that the tree's own
# configuration stays as it is.
copy() {
	mkdir -p "$work/tree" && cd "$top" &&
	tar cf - configure Makefile scripts protocol guest-driver vhost-user-backend tests/lib |
		tar xf - -C "$work/tree"
}
refuses() { # what the message names, command...
	local text=$1 output
	shift
	if output=$("$@" 2>&1); then echo "succeeded: $*"; return 1; fi
	case $output in *"$text"*) ;; *) echo "$output"; return 1 ;; esac
}
lacking_package() { # pkg-config that knows nothing
	printf '#!/bin/sh\nexit 1\n' > "$work/no-pkg-config"
	chmod +x "$work/no-pkg-config"
	cd "$work/tree" && refuses libvirglrenderer-dev ./configure PKG_CONFIG="$work/no-pkg-config"
}
in_tree() { cd "$work/tree" && "$@"; }
# As make calls it, with programs that are built already.
make_install() {
	in_tree env DESTDIR="$work/dest" B="$B" BINDIR=/usr/bin SBINDIR=/usr/sbin \
		LIBEXECDIR=/usr/libexec DATADIR=/usr/share SYSCONFDIR=/etc \
		MANDIR=/usr/share/man UNITDIR=/usr/lib/systemd/system scripts/install "$1"
}
installed() {
	local file
	for file in usr/bin/vgpuctl usr/sbin/vgpud usr/libexec/vgpu/vgpu-worker \
		usr/libexec/vgpu/vgpu-endpoint usr/share/qemu/vhost-user etc/vgpu/vgpud.conf; do
		[ -e "$work/dest/$file" ] || { echo "no $file"; return 1; }
	done
	if grep -rlI '@[A-Z]*DIR@' "$work/dest"; then echo "not filled in"; return 1; fi
}
descriptor_works() { # the binary that it names is there and says what it can do
	local binary
	binary=$(sed -n 's/.*"binary": *"\([^"]*\)".*/\1/p' "$work"/dest/usr/share/qemu/vhost-user/*.json)
	[ -x "$work/dest$binary" ] || { echo "no $binary"; return 1; }
	"$work/dest$binary" --print-capabilities | tr -d ' \n' | grep '"type":"gpu"'
}
keeps_config() {
	echo "# mine" >> "$work/dest/etc/vgpu/vgpud.conf"
	make_install install && grep -q '# mine' "$work/dest/etc/vgpu/vgpud.conf"
}
nothing_left() {
	rm "$work/dest/etc/vgpu/vgpud.conf"
	make_install install && make_install uninstall || return 1
	local left
	left=$(find "$work/dest" ! -type d)
	[ -z "$left" ] || { echo "left: $left"; return 1; }
}

# Any module will do: install-module looks at what it was built for only.
module_comes_and_goes() {
	local module left
	module=$(find "$B" -name vgpu.ko -path '*guest-module*' | head -n 1)
	[ -n "$module" ] || module=$B/module/vgpu.ko
	in_tree env DESTDIR="$work/guest" scripts/install-module install "$module" || return 1
	ls "$work"/guest/lib/modules/6*/updates/vgpu.ko || return 1
	grep -q '^blacklist virtio_gpu$' "$work/guest/etc/modprobe.d/vgpu.conf" || return 1
	in_tree env DESTDIR="$work/guest" scripts/install-module uninstall "$module" || return 1
	left=$(find "$work/guest" ! -type d)
	[ -z "$left" ] || { echo "left: $left"; return 1; }
}

echo 1..14
copy
check "configure --help" in_tree ./configure --help
check "configure refuses an unknown option" in_tree refuses "unknown option '--nonsense'" \
	./configure --nonsense
check "configure refuses a relative prefix" in_tree refuses "absolute path" ./configure --prefix=here
check "configure refuses a compiler that is none" in_tree refuses build-essential \
	./configure CC=/bin/false
check "configure names the package that is missing" lacking_package
check "configure refuses headers that are none" in_tree refuses "no prepared kernel headers" \
	./configure --kdir=/nonexistent
check "configure" in_tree ./configure --prefix=/usr --disable-module
check "install" make_install install
check "everything is in its place" installed
check "the vhost-user descriptor leads to the back end" descriptor_works
check "a changed configuration is kept" keeps_config
check "uninstall leaves nothing" nothing_left
check "install-module and uninstall-module" module_comes_and_goes
check "install-module names what is missing" in_tree refuses "make module" \
	scripts/install-module install /nonexistent/vgpu.ko
exit $failed
