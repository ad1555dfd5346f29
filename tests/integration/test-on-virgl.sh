#!/bin/sh
# SPDX-License-Identifier: MIT
# test-on-virgl.sh - the suites again, with a GPU or Mesa's CPU renderer
#
# The programs run on the null renderer by themselves.
set -u
B=${B:-build}
VGPU_BACKEND="$B/vgpu-endpoint --virgl"
export VGPU_BACKEND
failed=0
for name in conformance weakness program peers commands recovery; do
	echo "# $name"
	# of the deaths of a worker, those that have to do with the renderer
	set --
	[ $name = recovery ] && set -- -p /recovery/during-fences \
		-p /recovery/contents -p /recovery/during-stop
	# plans and numbers of several programs would clash
	"$B/tests/integration/test-$name" --tap "$@" 2>&1 |
		sed -e '/^1\.\./d' -e "s|^\(not ok\|ok\) [0-9]* |\1 - $name|" >"$B/virgl.$$"
	cat "$B/virgl.$$"
	grep -q '^not ok' "$B/virgl.$$" && failed=1
	grep -q '^ok' "$B/virgl.$$" || failed=1
	rm -f "$B/virgl.$$"
done
exit $failed
