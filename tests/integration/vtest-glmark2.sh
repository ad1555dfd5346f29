#!/bin/sh
# SPDX-License-Identifier: MIT
# test-vtest-glmark2.sh - glmark2 --validate through the whole back end, no VM
#
# usage: test-vtest-glmark2.sh [-b BUILD-DIR] [-s SCENE]... [BACK-END COMMAND]
#
# Runs glmark2 natively on llvmpipe and again, unmodified, through vtest-bridge.
# Fails if a scene fails there that does not fail natively, or if commands were
# answered with errors. Exit status 77: a program that it needs is missing.
set -u

build=${B:-build}
scenes=
while getopts b:s: opt; do
	case $opt in
	b) build=$OPTARG ;;
	s) scenes="$scenes -b $OPTARG" ;;
	*) sed -n '3,9s/^# //p' "$0"; exit 2 ;;
	esac
done
shift $((OPTIND - 1))
backend=${1:-$build/vgpu-endpoint --virgl}
bridge=$build/tests/integration/vtest-bridge

skip() {
	echo "skipped: $*"
	exit 77
}
glmark=$(command -v glmark2-es2 || command -v glmark2) ||
	skip "glmark2 is not installed (package glmark2-es2-x11 or glmark2-x11)"
command -v Xvfb >/dev/null || skip "Xvfb is not installed (package xvfb)"
[ -x "$bridge" ] || { echo "$bridge is not built"; exit 1; }

dir=$(mktemp -d) || exit 1
xvfb= bridge_pid=
cleanup() {
	[ -n "$bridge_pid" ] && kill "$bridge_pid" 2>/dev/null
	[ -n "$xvfb" ] && kill "$xvfb" 2>/dev/null
	wait
	rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

# Mesa 22.3 knows one socket only: one user of it at a time.
exec 9>/tmp/.virgl_test.lock
flock -w 600 9 || { echo "another vtest run does not end"; exit 1; }

Xvfb -displayfd 3 -screen 0 1024x768x24 -nolisten tcp \
	3>"$dir/display" 2>"$dir/xvfb.log" 9>&- &
xvfb=$!
for _ in $(seq 100); do
	[ -s "$dir/display" ] && break
	sleep 0.1
done
[ -s "$dir/display" ] || { echo "Xvfb did not start"; cat "$dir/xvfb.log"; exit 1; }
DISPLAY=:$(cat "$dir/display")
export DISPLAY LIBGL_ALWAYS_SOFTWARE=1

# $1: name of the run
run() {
	# shellcheck disable=SC2086
	timeout 900 "$glmark" --validate --size 320x240 $scenes \
		>"$dir/$1.log" 2>&1 9>&-
	status=$?
	grep -E '^\[.*Validation: (Success|Failure|Unknown)' "$dir/$1.log" |
		sort >"$dir/$1"
	echo "$1: $(grep -c Success "$dir/$1") right, $(grep -c Failure "$dir/$1") wrong," \
		"$(grep -c Unknown "$dir/$1") not checked; $(sed -n 's/.*GL_RENDERER: *//p' "$dir/$1.log")"
	[ $status = 0 ] && [ -s "$dir/$1" ] || {
		echo "$1: glmark2 ended with $status"
		tail -5 "$dir/$1.log"
		return 1
	}
}

run native || exit 1
EGL_PLATFORM=surfaceless "$bridge" "$backend" 2>"$dir/errors" 9>&- &
bridge_pid=$!
for _ in $(seq 100); do
	[ -S /tmp/.virgl_test ] && break
	sleep 0.1
done
GALLIUM_DRIVER=virpipe
export GALLIUM_DRIVER
run bridge
bad=$?
kill "$bridge_pid"
wait "$bridge_pid" || bad=1
bridge_pid=
head -40 "$dir/errors"
grep -q 'GL_RENDERER: *virgl' "$dir/bridge.log" || {
	echo "the second run was not drawn by virgl"
	bad=1
}
grep Failure "$dir/bridge" | grep -vxFf "$dir/native" >"$dir/new"
if [ -s "$dir/new" ]; then
	echo "these fail through the back end only:"
	cat "$dir/new"
	bad=1
fi
[ $bad = 0 ] && echo "glmark2: nothing fails that does not fail natively"
exit $bad
