#!/bin/sh
# SPDX-License-Identifier: MIT
# test-sim.sh - the scheduling policy in virtual time against reference figures
#
# usage: test-sim.sh     TAP; environment: B (build folder)
sim=${B:-build}/tests/sim/sim
here=$(dirname "$0")/workloads
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
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

echo 1..34
for name in 16-vms 64-vms 64-heavy 1000-vms fixed-2 fixed-16 fixed-64 limits step; do
	"$sim" --out "$tmp" "$here/$name.sim"
	check "$name: the figures that it expects" $?
done

# Too long a run for here; but at any time all decisions and lags are right.
for name in 4096-vms 10000-vms; do
	"$sim" --policy fair --figures --seconds 20 "$here/$name.sim" > "$tmp/figures"
	awk '{ f[$1] = $2; print }
		END { exit !(f["lag-min"] > -2 && f["lag-max"] < 2 && f["differ"] == 0 &&
			f["scan"] > 0 && f["idle"] == 0) }' "$tmp/figures"
	check "$name, 20 s: lags within a job, decisions as by a scan" $?
done

# The files that it writes.
[ "$(wc -l < "$tmp/64-vms-fair.csv")" = 65 ]
check "a line of CSV for each VM" $?
awk -F, 'NR > 1 { if (NF != 3 || $2 + $3 > 100.9) bad = 1; n++ } END { exit bad || n != 100 }' \
	"$tmp/64-vms-fair-time.csv"
check "a line of CSV for each sample" $?
awk -F, 'NR > 1 && $1 > 1 && $1 < 29 && ($2 < 45 || $2 > 55) { bad = 1 }
	NR > 1 && $1 > 32 && $1 < 59 && ($2 < 70 || $2 > 80) { bad = 1 }
	NR > 1 && $1 > 62 && ($2 < 22 || $2 > 28) { bad = 1 }
	END { exit bad }' "$tmp/step-fair-time.csv"
check "the steps are where they should be" $?
grep -q '</svg>' "$tmp/step-fair.svg" && [ "$(grep -c '<path fill' "$tmp/step-fair.svg")" = 2 ]
check "a line of the picture for each group" $?

# Figures that are not as expected.
sed 's/^longest=8/longest=9/' "$here/16-vms.sim" > "$tmp/other.sim"
"$sim" --seconds 60 "$tmp/other.sim"
[ $? = 1 ]
check "another load does not pass as the reference" $?
"$sim" --policy fifo --figures "$here/16-vms.sim" |
	awk '{ f[$1] = $2 } END { exit !(f["p99"] > 180 && f["p99"] < 195 && f["jain"] < 0.6) }'
check "first come, first served: p99 187 ms, Jain 0.592" $?
"$sim" --policy sfq --figures "$here/64-vms.sim" |
	awk '{ f[$1] = $2 } END { exit !(f["p99"] > 18 && f["p99"] < 21) }'
check "start-time fair queueing: p99 19.6 ms" $?

# Files that are no workloads: told by name, and nothing is run.
bad() { # description, text
	printf '%b' "$2" > "$tmp/bad.sim"
	timeout 10 "$sim" "$tmp/bad.sim" > "$tmp/bad.out" 2> "$tmp/bad.err"
	[ $? = 2 ] && grep -q 'bad.sim' "$tmp/bad.err" && ! grep -q ' fair ' "$tmp/bad.out"
	check "refused: $1" $?
}
vms='[run]\nseconds=1\n[vms a]\ncost=hog\n'
bad "nothing" ''
bad "no VMs" '[run]\nseconds=1\n'
bad "garbage" '\001\377\n[[[run\n'
bad "an unknown section" "$vms[vm b]\n"
bad "an unknown key" "${vms}colour=red\n"
bad "an unknown policy" '[run]\npolicy=nice\n[vms a]\ncost=hog\n'
bad "no VM in a group" "${vms}count=0\n"
bad "more VMs than there can be" "${vms}count=100001\n"
bad "a weight of zero" "${vms}weight=1;0\n"
bad "a negative weight" "${vms}weight=-1\n"
bad "a cost above the longest" '[run]\nlongest=2\n[vms a]\ncost=3\n'
bad "a cost that is no number" '[vms a]\ncost=much\n'
bad "no time at all" '[run]\nseconds=nan\n[vms a]\ncost=hog\n'
bad "a reserve of 91 %" "${vms}reserve=91\n"
bad "reserves of 120 %" "${vms}reserve=40\ncount=3\n"
bad "a change of nobody" "${vms}[at 0.5]\nvms=b\nweight=2\n"
exit $failed
