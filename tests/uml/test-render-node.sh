#!/bin/bash
# SPDX-License-Identifier: MIT
#
# test-render-node.sh - the renderer on a real DRM render node, without a GPU
#
# usage: test-render-node.sh
#
# What needs a render node (GBM, export of scanouts, fences of a kernel driver)
# runs inside User Mode Linux on the one that vgpu.ko offers there, over our own
# back end. Prints TAP. This script is also process 1 of that kernel.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$here/../.." && pwd)
build=$top/${B:-build}
out=$build/uml-render-node

# Not the tests that take a minute of nesting and show nothing about nodes.
cases() { # program
	"$out/$1" -l | grep '^/' | grep -vE '/(garbage|many-sub-contexts)$'
}

# ---- inside -------------------------------------------------------------------

inside() {
	local module program name
	export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/run TMPDIR=/run
	mount -t proc proc /proc
	mount -t sysfs sys /sys
	mount -t devtmpfs dev /dev
	mount -t tmpfs run /run
	out=$(sed -n "s/.*vgpu.dir=\([^ ]*\).*/\1/p" /proc/cmdline)
	cd /run || exit 1
	echo "UML up: $(uname -r)"
	# in the order in which they need each other
	for module in cfbcopyarea cfbfillrect cfbimgblt syscopyarea sysfillrect sysimgblt \
		fb_sys_fops virtio_dma_buf drm_panel_orientation_quirks i2c-core drm \
		drm_kms_helper drm_shmem_helper vgpu; do
		[ ! -f "$out/$module.ko" ] || "$out/modctl" load "$out/$module.ko"
	done
	export RENDER_NODE=/dev/dri/renderD128
	for program in test-renderer-virgl test-renderer-fence; do
		for name in $(cases $program); do
			if timeout -k 1 60 "$out/$program" -p "$name" > log 2>&1 &&
			   grep -q "^ok .*$name" log; then
				echo "ok $name"
			else
				echo "not ok $name: ended with $?"
				tail -n 20 log
			fi
		done
	done
	echo "UML-EXIT: 0"
	echo o > /proc/sysrq-trigger
	sleep 5
}
[ $$ != 1 ] || inside

# ---- outside ------------------------------------------------------------------

die() { echo "test-render-node: $*" >&2; exit 1; }

linux=$("$here/build-uml.sh" 6.1) || die "no kernel to test with"
mkdir -p "$out"
exec 8> "$out/.run.lock"
flock -n 8 || die "another run uses $out"
"$top/scripts/build-module" --kdir "$(dirname "$linux")" "$out" ARCH=um SUBARCH=x86_64 \
	> "$out/module.log" 2>&1 || { cat "$out/module.log" >&2; die "vgpu.ko does not build"; }
find "$(dirname "$linux")" -name '*.ko' -exec cp -u -t "$out" {} +
cc -O2 -D_GNU_SOURCE -static -o "$out/modctl" "$here/modctl.c" || die "modctl does not build"
targets=("vgpu-endpoint" "vgpu-worker" "tests/unit/test-renderer-virgl" "tests/unit/test-renderer-fence")
make -s -C "$top" "${targets[@]/#/${B:-build}/}" >&2 || die "the back end does not build"
cp "${targets[@]/#/$build/}" "$out"

"$here/uml-run.sh" -k "$linux" -m 1G -t 240 -l "$out/log" \
	-b "exec $out/vgpu-endpoint --virgl --socket-path=\"\$SOCKET\"" \
	"$here/test-render-node.sh" vgpu.dir="$out" 8>&- > "$out/console"
status=$?

number=0 failures=0
while read -r line; do
	number=$((number + 1))
	case $line in
	"ok "*) echo "ok $number - ${line#ok }" ;;
	*) echo "not ok $number - ${line#not ok }"; failures=$((failures + 1)) ;;
	esac
done < <(grep -E '^(not )?ok ' "$out/console")
number=$((number + 1))
if [ $status = 0 ] && [ $number -gt 15 ]; then
	echo "ok $number - ran to its end"
else
	echo "not ok $number - ran to its end: status $status, $((number - 1)) cases"
	failures=$((failures + 1))
fi
[ $failures = 0 ] || sed 's/^/# /' "$out/console" | tail -n 60
echo "1..$number"
[ $failures = 0 ]
