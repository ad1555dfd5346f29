#!/bin/bash
# SPDX-License-Identifier: MIT
# run.sh - runs the tests of igt-gpu-tools in VMs and compares two drivers
#
# usage: run.sh [--driver ours|intree] [--kernel 6.1|6.12|7.2] [--runs N] [TEST...]
#        run.sh --compare BASELINE RESULTS
#
#   --driver    the guest's driver                          [ours]
#   --kernel    Debian's                                    [6.1; intree: 7.2]
#   --runs      how often                                   [1; intree: 3]
#   TEST        binaries of IGT                             [those of tests.txt]
#   --compare   says what passed every time in BASELINE but not in RESULTS, and what
#               fails in RESULTS; status 1 if reasons.txt does not explain all of it
#
# A VM for each run: the root is Debian sid's, where the tests come from, the kernel
# the one named. Results go to build/igt/DRIVER-KERNEL.txt, "NAME RESULT..." with a
# result for each run. Binaries that were run already replace their lines, so that
# the whole may be made in parts. Needs root, about an hour a run under emulation.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/../../scripts/lib.sh"
B=${B:-$top/build}
case $B in /*) ;; *) B=$top/$B ;; esac

driver=ours kernel='' runs='' tests=() compare=''
while [ $# -gt 0 ]; do
	case $1 in
	--driver) driver=${2:?}; shift ;;
	--kernel) kernel=${2:?}; shift ;;
	--runs) runs=${2:?}; shift ;;
	--compare) compare=1 ;;
	-h|--help) usage_of; exit ;;
	-*) usage_of >&2; exit 2 ;;
	*) tests+=("$1") ;;
	esac
	shift
done

# Names, each with yes (every run passed) or no.
verdicts() { awk '{ ok = "yes"; for (i = 2; i <= NF; i++) if ($i != "pass") ok = "no"; print $1, ok }' "$1" | sort; }

if [ "$compare" ]; then
	[ ${#tests[@]} = 2 ] || { usage_of >&2; exit 2; }
	bad=0 same=0 explained=0
	while read -r name before now; do
		[ "$before" = yes ] || continue
		if [ "${now:-}" = yes ]; then
			same=$((same + 1))
		elif why=$(grep -m1 "^$name|" "$here/reasons.txt" 2> /dev/null); then
			explained=$((explained + 1))
			echo "explained: $name: ${why#*|}"
		else
			bad=$((bad + 1))
			echo "WORSE: $name: $(grep -m1 "^$name " "${tests[1]}" || echo "not run")"
		fi
	done < <(join -a 1 <(verdicts "${tests[0]}") <(verdicts "${tests[1]}"))
	# No failure without a reason, whatever the other driver does there.
	while read -r name _; do
		grep -q "^$name|" "$here/reasons.txt" && continue
		bad=$((bad + 1))
		echo "UNEXPLAINED: $(grep -m1 "^$name " "${tests[1]}")"
	done < <(join -v 1 <(grep -vE '^[^ ]+( pass| skip)+$' "${tests[1]}" | sort) \
		<(verdicts "${tests[0]}" | awk '$2 == "yes"'))
	better=$(join <(verdicts "${tests[0]}") <(verdicts "${tests[1]}") | awk '$2 == "no" && $3 == "yes"' | wc -l)
	echo "$same pass in both, $better only with the second, $explained explained, $bad worse"
	[ $bad = 0 ] && [ $same -gt 0 ]
	exit
fi
case $driver in
ours) : "${kernel:=6.1}" "${runs:=1}" ;;
intree) : "${kernel:=7.2}" "${runs:=3}" ;;
*) die "--driver is ours or intree, not '$driver'" ;;
esac
[ ${#tests[@]} -gt 0 ] || mapfile -t tests < <(grep -v '^#' "$here/tests.txt")

out=$B/igt
mkdir -p "$out/inject"
cp "$here/guest-run" "$out/inject/igt-run"
cp "$here/skips.txt" "$out/inject/igt-skips"
root=$("$here/image")
table=$out/$driver-$kernel.txt

one_run() { # number; writes RUN.txt
	local dir=$out/$driver-$kernel.$$ pid status=0 i
	mkdir -p "$dir"
	"$top/scripts/run-vm" --wait --driver "$driver" --kernel "$kernel" --root "$root" --mem 2G \
		--name igt --dir "$dir" --inject "$out/inject" > "$dir/run-vm.log" 2>&1 &
	pid=$!
	for ((i = 0; i < 600; i++)); do
		[ ! -e "$dir/ready" ] || break
		kill -0 $pid 2> /dev/null || break
		sleep 0.5
	done
	[ -e "$dir/ready" ] || { cat "$dir/run-vm.log" >&2; die "the VM does not start"; }
	"$B/tests/vm/vmctl" exec "$dir/cmd" 7200 "/inject/igt-run ${tests[*]}" > "$dir/results" || status=$?
	# what the failures said, for whoever writes the reasons
	"$B/tests/vm/vmctl" exec "$dir/cmd" 60 'cat /tmp/igt/failures.txt' \
		> "$out/$driver-$kernel-failures-$1.txt" 2> /dev/null || true
	"$B/tests/vm/vmctl" exec "$dir/cmd" 60 'cat /tmp/igt/runner.log; dmesg' > "$out/$driver-$kernel-log-$1.txt" || true
	kill $pid 2> /dev/null || true
	wait $pid 2> /dev/null || true
	grep -E '^[a-z0-9_]+(@[^ ]+)? [a-z-]+ [0-9.]+$' "$dir/results" > "$out/$driver-$kernel-run-$1.txt" ||
		{ tail -n 20 "$dir/results" >&2; die "IGT told no results (status $status)"; }
	rm -rf "$dir"
}

for ((run = 1; run <= runs; run++)); do
	step "IGT with driver $driver on $kernel, run $run of $runs"
	one_run "$run"
	awk '{ n[$2]++ } END { for (r in n) printf "%d %s, ", n[r], r; print NR " in all" }' \
		"$out/$driver-$kernel-run-$run.txt"
done

# The lines of what was not run now stay.
pattern=$(IFS='|'; echo "${tests[*]}")
touch "$table"
{
	grep -vE "^($pattern)(@| )" "$table" || true
	cat "$out/$driver-$kernel"-run-*.txt | awk '{ r[$1] = r[$1] " " $2 } END { for (t in r) print t r[t] }'
} | sort > "$table.new"
mv "$table.new" "$table"
rm -f "$out/$driver-$kernel"-run-*.txt
echo "$table"
