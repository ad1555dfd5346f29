#!/bin/sh
# SPDX-License-Identifier: MIT
# test-sim.sh - the scheduling policy in virtual time against reference figures
#
# usage: test-sim.sh     TAP; environment: B (build folder)
sim=${B:-build}/tests/sim/sim
failed=0
n=0

check() { # description, status
	n=$((n + 1))
	if [ "$2" = 0 ]; then
		echo "ok $n - $1"
	else
		echo "not ok $n - $1"
		failed=1
	fi
}

echo 1..4
"$sim" --vms 16 --check
check "16 VMs, 600 s: the reference figures" $?

# lag and shares hold with many more
out=$("$sim" --vms 64 --seconds 60)
echo "$out" | awk '
	/^jain/ { ok = ($2 >= 0.9999 && $8 < 8) }
	/^lag/ { split($2, lag, /\.\./); ok = ok && lag[1] > -8 && lag[2] + 0 < 8 }
	{ print }
	END { exit !ok }'
check "64 VMs: p99 below the longest job, lag within one" $?
out=$("$sim" --vms 1000 --interactive 990 --inter-ms 0.01 --hog-ms 4 --seconds 20)
echo "$out" | awk '
	/^jain/ { ok = ($8 < 6) }
	{ print }
	END { exit !ok }'
check "1000 VMs: p99 of the light ones below 6 ms" $?

# the check itself fails when the figures are others
! "$sim" --vms 16 --hog-ms 9 --seconds 60 --check
check "another load does not pass as the reference" $?
exit $failed
